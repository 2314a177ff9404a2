import { Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { type AlarmRule, mathAlarms, plainAlarms, type Watched } from './alarms.ts';
import { dashboardRows } from './dashboard.ts';

/**
 * How much of itself a deployment shows.
 * - `none`: logs and Lambda's own metrics; nothing that costs.
 * - `standard`: metrics, ten alarms, a dashboard and traces, within what CloudWatch gives an account for free.
 * - `full`: also alarms that compare metrics, and one over all that need a person at once: about $1.10 a month more.
 */
export type ObservabilityLevel = 'none' | 'standard' | 'full';

export interface ObservabilityProps extends Watched {
  readonly level: Exclude<ObservabilityLevel, 'none'>;
}

/** What a person has to do something about, now. */
const URGENT: ReadonlySet<string> = new Set([
  'SecondTask',
  'InsufficientBalance',
  'FruitlessLooks',
  'ReconcileStopped',
  'DeadLetters',
]);

/** Alarms and dashboard of one deployment. */
export class Observability extends Construct {
  /** Every alarm, so that actions can be added to them. */
  readonly alarms: readonly cloudwatch.AlarmBase[];
  /** One page: what came in and out, what waits, what failed, and the alarms. */
  readonly dashboard: cloudwatch.Dashboard;

  /** Made by `WiroGenerations` unless its `observability` is `none`: apps read it there. */
  constructor(scope: Construct, id: string, { level, ...watched }: ObservabilityProps) {
    super(scope, id);
    const rules = [...plainAlarms(watched), ...(level === 'full' ? mathAlarms(watched) : [])];
    const alarms = rules.map((rule) => this.#addAlarm(rule));
    this.alarms = level === 'full' ? [...alarms, this.#addUrgent(alarms)] : alarms;
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      // Dashboards are an account's, not a region's.
      dashboardName: `${watched.deployment}-${Stack.of(this).region}`,
      widgets: dashboardRows(watched, this.alarms),
    });
  }

  /** Has `actions` taken when any of the alarms rings, and when it is over. */
  addAlarmAction(...actions: readonly cloudwatch.IAlarmAction[]): void {
    for (const alarm of this.alarms) {
      alarm.addAlarmAction(...actions);
      alarm.addOkAction(...actions);
    }
  }

  #addAlarm({ id, says, remedy, metric, atLeast, below, periods = 1, ringsWhenMissing = false }: AlarmRule) {
    return new cloudwatch.Alarm(this, id, {
      alarmDescription: describe(id, says, remedy),
      metric,
      threshold: atLeast ?? below ?? 1,
      comparisonOperator:
        below === undefined
          ? cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: ringsWhenMissing
        ? cloudwatch.TreatMissingData.BREACHING
        : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  #addUrgent(alarms: readonly cloudwatch.Alarm[]) {
    return new cloudwatch.CompositeAlarm(this, 'Urgent', {
      alarmDescription: describe(
        'Urgent',
        'Something here needs a person now.',
        'See which of the alarms rings, and do what its own description says.',
      ),
      alarmRule: cloudwatch.AlarmRule.anyOf(...alarms.filter(({ node }) => URGENT.has(node.id))),
    });
  }
}

const describe = (id: string, says: string, remedy: string) =>
  `${says} ${remedy} More: docs/operations.md#${id.toLowerCase()}`;

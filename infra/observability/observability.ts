import { Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { type AlarmRule, mathAlarms, plainAlarms, type Watched } from './alarms.ts';
import { dashboardRows } from './dashboard.ts';

/**
 * The amount of monitoring.
 * - `none`: logs and Lambda's own metrics, at no cost.
 * - `standard`: also metrics, ten alarms, a dashboard and traces, within CloudWatch's free tier.
 * - `full`: also alarms that compare metrics, and one alarm that combines all urgent ones: about $1.10 a month more.
 */
export type ObservabilityLevel = 'none' | 'standard' | 'full';

export interface ObservabilityProps extends Watched {
  readonly level: Exclude<ObservabilityLevel, 'none'>;
}

/** Alarms that need a person at once. */
const URGENT: ReadonlySet<string> = new Set([
  'SecondTask',
  'InsufficientBalance',
  'FruitlessLooks',
  'ReconcileStopped',
  'DeadLetters',
]);

/** The alarms and the dashboard of one deployment. */
export class Observability extends Construct {
  /** All alarms, for example to add actions to single ones. */
  readonly alarms: readonly cloudwatch.AlarmBase[];
  /** One page with the alarms, throughput, waiting generations, failures and costs. */
  readonly dashboard: cloudwatch.Dashboard;

  /** `WiroGenerations` creates this construct and offers it as a property, unless its `observability` is `none`. */
  constructor(scope: Construct, id: string, { level, ...watched }: ObservabilityProps) {
    super(scope, id);
    const rules = [...plainAlarms(watched), ...(level === 'full' ? mathAlarms(watched) : [])];
    const alarms = rules.map((rule) => this.#addAlarm(rule));
    this.alarms = level === 'full' ? [...alarms, this.#addUrgent(alarms)] : alarms;
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      // Dashboard names are unique per account, not per region.
      dashboardName: `${watched.deployment}-${Stack.of(this).region}`,
      widgets: dashboardRows(watched, this.alarms),
    });
  }

  /** Runs `actions` when any alarm goes off and when it returns to OK. */
  addAlarmAction(...actions: readonly cloudwatch.IAlarmAction[]): void {
    for (const alarm of this.alarms) {
      alarm.addAlarmAction(...actions);
      alarm.addOkAction(...actions);
    }
  }

  #addAlarm({ id, summary, remedy, metric, atLeast, below, periods = 1, ...rule }: AlarmRule) {
    return new cloudwatch.Alarm(this, id, {
      alarmDescription: describe(id, summary, remedy),
      metric,
      threshold: atLeast ?? below ?? 1,
      comparisonOperator:
        below === undefined
          ? cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: rule.isMissingDataBreaching
        ? cloudwatch.TreatMissingData.BREACHING
        : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  #addUrgent(alarms: readonly cloudwatch.Alarm[]) {
    return new cloudwatch.CompositeAlarm(this, 'Urgent', {
      alarmDescription: describe(
        'Urgent',
        'One of the urgent alarms needs a person now.',
        'Look up which alarm is active, and do what its description says.',
      ),
      alarmRule: cloudwatch.AlarmRule.anyOf(...alarms.filter(({ node }) => URGENT.has(node.id))),
    });
  }
}

const describe = (id: string, summary: string, remedy: string) =>
  `${summary} ${remedy} More: docs/operations.md#${id.toLowerCase()}`;

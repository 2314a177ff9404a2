import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { MetricName } from '../../functions/runtime/metrics.ts';
import type { Watched } from './alarms.ts';
import { generationMetric } from './metrics.ts';

const HALF = { width: 12, height: 6 } as const;
const WHOLE = { width: 24, height: 6 } as const;

/** The dashboard's rows. They show fewer metrics than the 50 that are free. */
export function dashboardRows(
  { deployment, functions, deadLetters }: Watched,
  alarms: readonly cloudwatch.IAlarm[],
): cloudwatch.IWidget[][] {
  const ours = (name: MetricName, options?: cloudwatch.MetricOptions) =>
    generationMetric(deployment, name, { label: name, ...options });
  const perFunction = (metricName: string, statistic: string) =>
    Object.entries(functions).map(([label, fn]) => fn.metric(metricName, { statistic, label }));
  return [
    [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', width: 24, height: 4, alarms: [...alarms] })],
    [
      new cloudwatch.GraphWidget({
        ...HALF,
        title: 'Generations',
        left: [ours('Accepted'), ours('Succeeded'), ours('Failed'), ours('Cancelled')],
      }),
      new cloudwatch.GraphWidget({
        ...HALF,
        title: 'From acceptance to copied outputs',
        left: ['p50', 'p90', 'p99'].map((statistic) => ours('TimeToResult', { statistic, label: statistic })),
        leftYAxis: { label: 'seconds', showUnits: false, min: 0 },
      }),
    ],
    [
      new cloudwatch.GraphWidget({
        ...HALF,
        title: 'Waiting for a slot at Wiro',
        left: [ours('OldestWaitingAge', { label: 'age of the first in line' })],
        leftYAxis: { label: 'seconds', showUnits: false, min: 0 },
      }),
      new cloudwatch.GraphWidget({
        ...HALF,
        title: 'Charged by Wiro',
        left: [ours('CostUsd', { period: Duration.hours(1), label: 'USD per hour' })],
        leftYAxis: { label: 'USD', showUnits: false, min: 0 },
      }),
    ],
    [
      new cloudwatch.GraphWidget({
        ...HALF,
        title: 'Errors and dead letters',
        left: perFunction('Errors', cloudwatch.Stats.SUM),
        right: [deadLetters.metricApproximateNumberOfMessagesVisible({ label: 'dead letters' })],
      }),
      new cloudwatch.GraphWidget({
        ...HALF,
        title: 'Throttles',
        left: perFunction('Throttles', cloudwatch.Stats.SUM),
      }),
    ],
    [
      new cloudwatch.GraphWidget({
        ...WHOLE,
        title: 'Duration (p90) and invocations',
        left: perFunction('Duration', cloudwatch.Stats.percentile(90)),
        right: perFunction('Invocations', cloudwatch.Stats.SUM),
      }),
    ],
  ];
}

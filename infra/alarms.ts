import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { FunctionName } from '../functions/functions.ts';
import type { MetricName } from '../functions/metrics.ts';
import { generationMetric } from './metrics.ts';

/** What is watched. */
export interface Watched {
  readonly deployment: string;
  readonly functions: Readonly<Record<FunctionName, lambda.IFunction>>;
  readonly deadLetters: sqs.IQueue;
}

/** One alarm. Its construct id is also the heading of its section in docs/operations.md, where thresholds are explained. */
export interface AlarmRule {
  readonly id: string;
  /** One sentence for whoever is woken by it. */
  readonly says: string;
  readonly metric: cloudwatch.IMetric;
  /** It rings when the metric is so or beyond. */
  readonly atLeast?: number;
  /** It rings when the metric is below. */
  readonly below?: number;
  /** So many periods in a row. @default 1 */
  readonly periods?: number;
  /** Whether it rings when nothing is measured. @default false */
  readonly ringsWhenMissing?: boolean;
}

const FIVE_MINUTES = Duration.minutes(5);

/** Ten alarms on one plain metric each: so many are free, and any emulator takes them. */
export function plainAlarms({ deployment, functions, deadLetters }: Watched): readonly AlarmRule[] {
  const ours = (name: MetricName, options?: cloudwatch.MetricOptions) =>
    generationMetric(deployment, name, { period: FIVE_MINUTES, ...options });
  const failedRequests = (name: FunctionName) =>
    functions[name].metric('Url5xxCount', { period: FIVE_MINUTES, statistic: cloudwatch.Stats.SUM });
  return [
    {
      id: 'Failures',
      says: 'Generations fail: five or more within a quarter of an hour.',
      metric: ours('Failed', { period: Duration.minutes(15) }),
      atLeast: 5,
    },
    {
      id: 'OldestWaiting',
      says: 'The first in line for a slot at Wiro has been waiting for over an hour.',
      metric: ours('OldestWaitingAge'),
      atLeast: 3_600,
      periods: 3,
    },
    {
      id: 'InsufficientBalance',
      says: 'Wiro refuses to run: the account has too little balance.',
      metric: ours('InsufficientBalance'),
      atLeast: 1,
    },
    {
      id: 'FruitlessLooks',
      says: 'A generation does not get on, its end cannot be told, or the deployment lacks its secrets.',
      metric: ours('FruitlessLooks'),
      atLeast: 1,
    },
    {
      id: 'SecondTask',
      says: 'Wiro made two tasks for one attempt: one of them may have been charged in vain.',
      metric: ours('SecondTask'),
      atLeast: 1,
    },
    {
      id: 'ReconcileStopped',
      says: 'Nobody takes up what is due: reconcile has not finished a run for a quarter of an hour.',
      metric: ours('OldestWaitingAge', { statistic: cloudwatch.Stats.SAMPLE_COUNT }),
      below: 1,
      periods: 3,
      ringsWhenMissing: true,
    },
    {
      id: 'DeadLetters',
      says: 'Invocations were given up after three tries and lie in the dead letter queue.',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        period: FIVE_MINUTES,
        statistic: cloudwatch.Stats.MAXIMUM,
      }),
      atLeast: 1,
    },
    {
      id: 'Throttles',
      says: 'Lambda turns invocations away: the concurrency of the account is used up.',
      // No function of ours reserves concurrency, so it is the account's pool that is empty, whoever emptied it.
      metric: new cloudwatch.Metric({
        namespace: 'AWS/Lambda',
        metricName: 'Throttles',
        statistic: cloudwatch.Stats.SUM,
        period: FIVE_MINUTES,
      }),
      atLeast: 10,
      periods: 3,
    },
    {
      id: 'ApiErrors',
      says: 'The API answers with 5xx.',
      metric: failedRequests('api'),
      atLeast: 5,
    },
    {
      id: 'CallbackErrors',
      says: 'Callbacks of Wiro are answered with 5xx.',
      metric: failedRequests('callback'),
      atLeast: 5,
    },
  ];
}

/** Alarms that compare several metrics; each metric is billed like an alarm. */
export function mathAlarms({ deployment, functions }: Watched): readonly AlarmRule[] {
  const usingMetrics = {
    failed: generationMetric(deployment, 'Failed'),
    succeeded: generationMetric(deployment, 'Succeeded'),
  };
  const errors = Object.entries(functions).map(
    ([name, fn]) => [name, fn.metricErrors({ statistic: cloudwatch.Stats.SUM })] as const,
  );
  return [
    {
      id: 'FailureRate',
      says: 'More than a quarter of the generations that end fail.',
      metric: new cloudwatch.MathExpression({
        label: 'Failed, percent',
        // Of a handful, one failure is no rate.
        expression:
          'IF(FILL(failed, 0) + FILL(succeeded, 0) >= 20, 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(succeeded, 0)), 0)',
        usingMetrics,
        period: Duration.minutes(15),
      }),
      atLeast: 25,
    },
    {
      id: 'FunctionErrors',
      says: 'Functions crash or run out of time.',
      metric: new cloudwatch.MathExpression({
        label: 'Errors',
        expression: errors.map(([name]) => `FILL(${name}, 0)`).join(' + '),
        usingMetrics: Object.fromEntries(errors),
        period: FIVE_MINUTES,
      }),
      atLeast: 3,
    },
  ];
}

import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { FunctionName } from '../../functions/functions.ts';
import type { MetricName } from '../../functions/runtime/metrics.ts';
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
  /** What to do, in words: a message to a phone has no handbook at hand. */
  readonly remedy: string;
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
export const plainAlarms = (watched: Watched): readonly AlarmRule[] => [
  ...generationAlarms(watched),
  ...lambdaAlarms(watched),
];

/** On what the deployment measures itself. */
function generationAlarms({ deployment }: Watched): readonly AlarmRule[] {
  const ours = (name: MetricName, options?: cloudwatch.MetricOptions) =>
    generationMetric(deployment, name, { period: FIVE_MINUTES, ...options });
  return [
    {
      id: 'Failures',
      says: 'Generations fail: five or more within a quarter of an hour.',
      remedy:
        'Look at the codes in the log (message "A generation ended"): upstream_unauthorized wants the right API key from setup, insufficient_balance funds at Wiro, model_failed a look at the model. Then retry what is retryable.',
      metric: ours('Failed', { period: Duration.minutes(15) }),
      atLeast: 5,
    },
    {
      id: 'OldestWaiting',
      says: 'The first in line for a slot at Wiro has been waiting for over an hour.',
      remedy:
        "If generations end, Wiro's limit is too low for you: it grows with the balance. If none ends, tasks hang at Wiro: cancel them through the API, or shorten the deadline.",
      metric: ours('OldestWaitingAge'),
      atLeast: 3_600,
      periods: 3,
    },
    {
      id: 'InsufficientBalance',
      says: 'Wiro refuses to run: the account has too little balance.',
      remedy: 'Add funds at Wiro, then retry the generations that failed with insufficient_balance.',
      metric: ours('InsufficientBalance'),
      atLeast: 1,
    },
    {
      id: 'FruitlessLooks',
      says: 'A generation does not get on, its end cannot be told, or the deployment lacks its secrets.',
      remedy:
        'Look in the log for alarm = "not_configured" (run setup; what waits goes on within five minutes), alarm = "untold" (mend the event bus or the results file), or "Nothing comes of looking at a generation" (by its status: can submit reach Wiro and its parameters, can callback reach the CDN and write to the bucket?).',
      metric: ours('FruitlessLooks'),
      atLeast: 1,
    },
    {
      id: 'SecondTask',
      says: 'Wiro made two tasks for one attempt: one of them may have been charged in vain.',
      remedy:
        'The log line "A second task was made" names the other task: cancel it at Wiro if it still runs, ask Wiro for the money if it was charged, and report it.',
      metric: ours('SecondTask'),
      atLeast: 1,
    },
    {
      id: 'ReconcileStopped',
      says: 'Nobody takes up what is due: reconcile has not finished a run for a quarter of an hour.',
      remedy:
        "Nothing is lost, but late. Look at reconcile's log: nothing there means that its rule is disabled or Lambda is throttled, access denied that its role has lost a policy. Invoke it by hand as often as you like. It may ring once after the first deployment.",
      metric: ours('OldestWaitingAge', { statistic: cloudwatch.Stats.SAMPLE_COUNT }),
      below: 1,
      periods: 3,
      ringsWhenMissing: true,
    },
  ];
}

/** On what AWS measures of the functions. */
function lambdaAlarms({ functions, deadLetters }: Watched): readonly AlarmRule[] {
  const failedRequests = (name: FunctionName) =>
    functions[name].metric('Url5xxCount', { period: FIVE_MINUTES, statistic: cloudwatch.Stats.SUM });
  return [
    {
      id: 'DeadLetters',
      says: 'Invocations were given up after three tries and lie in the dead letter queue.',
      remedy:
        'Read a message: it says which invocation failed and why. Mend the cause. {"submit"} and {"collect"} need nothing more; invoke the function again with any other requestPayload, which is safe to repeat. Then purge the queue.',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        period: FIVE_MINUTES,
        statistic: cloudwatch.Stats.MAXIMUM,
      }),
      atLeast: 1,
    },
    {
      id: 'Throttles',
      says: 'Lambda turns invocations away: the concurrency of the account, or what a function reserves, is used up.',
      remedy:
        'Ask for more concurrent executions (Service Quotas; a new account may have 10), or bound what uses them up: here that is maximumConcurrency and maximumCollects. Nothing is lost.',
      // Without reservations it is the account's pool that is empty, whoever emptied it.
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
      remedy:
        'Look at the log of api: not_configured wants setup, access denied a role as the stack makes it; the trace shows which call took the time. Callers may repeat with the same idempotencyKey.',
      metric: failedRequests('api'),
      atLeast: 5,
    },
    {
      id: 'CallbackErrors',
      says: 'Callbacks of Wiro are answered with 5xx.',
      remedy:
        'Look at the log of callback: the callback secret cannot be read, or the table cannot be written. Nothing is lost: reconcile finds the ends, at the latest 15 minutes later.',
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
      remedy:
        'Look at the codes in the log (message "A generation ended"), mend what they have in common, then retry what is retryable.',
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
      remedy:
        'Look for type = "platform.report" with a status that is not success: give a function that runs out of memory more of it. Whatever they were at goes on by itself.',
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

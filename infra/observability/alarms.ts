import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { FunctionName } from '../../functions/functions.ts';
import type { MetricName } from '../../functions/runtime/metrics.ts';
import { generationMetric } from './metrics.ts';

/** The resources that alarms and dashboard watch. */
export interface Watched {
  readonly deployment: string;
  readonly functions: Readonly<Record<FunctionName, lambda.IFunction>>;
  readonly deadLetters: sqs.IQueue;
}

/** One alarm. Its construct id is the heading of its section in docs/operations.md, which explains the threshold. */
export interface AlarmRule {
  readonly id: string;
  /** The problem in one sentence, for a notification. */
  readonly summary: string;
  /** What to do. A notification must be useful without the handbook. */
  readonly remedy: string;
  readonly metric: cloudwatch.IMetric;
  /** The alarm goes off at this value or above. */
  readonly atLeast?: number;
  /** The alarm goes off below this value. */
  readonly below?: number;
  /** The number of consecutive periods. @default 1 */
  readonly periods?: number;
  /** Whether the alarm goes off without data. @default false */
  readonly isMissingDataBreaching?: boolean;
}

const FIVE_MINUTES = Duration.minutes(5);

/** The ten alarms on one metric each. Ten are free, and every emulator supports them. */
export const plainAlarms = (watched: Watched): readonly AlarmRule[] => [
  ...generationAlarms(watched),
  ...lambdaAlarms(watched),
];

/** Alarms on the deployment's own metrics. */
function generationAlarms({ deployment }: Watched): readonly AlarmRule[] {
  const ours = (name: MetricName, options?: cloudwatch.MetricOptions) =>
    generationMetric(deployment, name, { period: FIVE_MINUTES, ...options });
  return [
    {
      id: 'Failures',
      summary: 'Five or more generations failed within 15 minutes.',
      remedy:
        'Read the error codes in the log (status = "failed"). upstream_unauthorized: run setup with a valid API key. insufficient_balance: add funds at Wiro. model_failed: look at the model at Wiro. Then retry generations whose error is retryable.',
      metric: ours('Failed', { period: Duration.minutes(15) }),
      atLeast: 5,
    },
    {
      id: 'OldestWaiting',
      summary: 'The first generation in line has waited over an hour for a slot at Wiro.',
      remedy:
        "If generations end, raise Wiro's limit, which grows with the balance. If none ends, tasks hang at Wiro: cancel them through the API, or shorten the deadline.",
      metric: ours('OldestWaitingAge'),
      atLeast: 3_600,
      periods: 3,
    },
    {
      id: 'InsufficientBalance',
      summary: 'Wiro refuses to run tasks because the balance is too low.',
      remedy: 'Add funds at Wiro, then retry the generations that failed with insufficient_balance.',
      metric: ours('InsufficientBalance'),
      atLeast: 1,
    },
    {
      id: 'FruitlessLooks',
      summary:
        'A generation makes no progress, its end cannot be published, or the deployment lacks its secrets.',
      remedy:
        'Read the log lines with the field alarm. not_configured: run setup; waiting work continues within five minutes. untold: fix the event bus or the results file. fruitless_looks: if the status is queued or submitting, check that submit can read its parameters and reach Wiro; if it is running or collecting, check that callback can reach the CDN and write to the bucket.',
      metric: ours('FruitlessLooks'),
      atLeast: 1,
    },
    {
      id: 'SecondTask',
      summary: 'Wiro created two tasks for one attempt and may have charged both.',
      remedy:
        'The log line with alarm = "second_task" names the extra task. Cancel it at Wiro if it still runs, ask Wiro for a refund if it was charged, and report the fault.',
      metric: ours('SecondTask'),
      atLeast: 1,
    },
    {
      id: 'ReconcileStopped',
      summary: 'Due work is late because reconcile has not finished a run for 15 minutes.',
      remedy:
        "Nothing is lost. Read reconcile's log. No lines: its rule is disabled, or Lambda throttles it. Access denied: its role has lost a policy. You may invoke reconcile by hand at any time. The alarm may go off once after the first deployment.",
      metric: ours('OldestWaitingAge', { statistic: cloudwatch.Stats.SAMPLE_COUNT }),
      below: 1,
      periods: 3,
      isMissingDataBreaching: true,
    },
  ];
}

/** Alarms on AWS's metrics. */
function lambdaAlarms({ functions, deadLetters }: Watched): readonly AlarmRule[] {
  const failedRequests = (name: FunctionName) =>
    functions[name].metric('Url5xxCount', { period: FIVE_MINUTES, statistic: cloudwatch.Stats.SUM });
  return [
    {
      id: 'DeadLetters',
      summary: 'Invocations failed three times and are in the dead letter queue.',
      remedy:
        'Read a message, which contains the invocation and its error. Fix the cause. {"submit"} and {"collect"} need nothing more. Invoke the function again with any other requestPayload, which is safe to repeat. Then purge the queue.',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        period: FIVE_MINUTES,
        statistic: cloudwatch.Stats.MAXIMUM,
      }),
      atLeast: 1,
    },
    {
      id: 'Throttles',
      summary:
        "Lambda throttles invocations because the account's or a function's reserved concurrency is used up.",
      remedy:
        'Nothing is lost. Request a higher quota for concurrent executions (a new account may have 10), or reduce the load: in this deployment, with maximumConcurrency and maximumCollects.',
      // Covers all functions in the account, because without reservations they share its concurrency.
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
      summary: 'The API responds with 5xx.',
      remedy:
        'Read the log of api. not_configured: run setup. Access denied: compare the role with the stack. Timeout: the trace shows the slow call. Callers may repeat requests with the same idempotencyKey.',
      metric: failedRequests('api'),
      atLeast: 5,
    },
    {
      id: 'CallbackErrors',
      summary: 'The callback function responds to Wiro with 5xx.',
      remedy:
        'Read the log of callback, which cannot read the callback secret or write to the table. Nothing is lost: reconcile finds ended tasks within 15 minutes.',
      metric: failedRequests('callback'),
      atLeast: 5,
    },
  ];
}

/** Alarms that compare several metrics. AWS bills each of these metrics like an alarm. */
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
      summary: 'At least 25 percent of the ended generations failed.',
      remedy:
        'Read the error codes in the log (status = "failed"), fix their common cause, then retry generations whose error is retryable.',
      metric: new cloudwatch.MathExpression({
        label: 'Failed, percent',
        // Requires 20 ends, because a rate of few is meaningless.
        expression:
          'IF(FILL(failed, 0) + FILL(succeeded, 0) >= 20, 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(succeeded, 0)), 0)',
        usingMetrics,
        period: Duration.minutes(15),
      }),
      atLeast: 25,
    },
    {
      id: 'FunctionErrors',
      summary: 'Functions crash or time out.',
      remedy:
        'Look for log lines with type = "platform.report" and a status other than success. Increase the memory of a function that runs out of it. The interrupted work continues by itself.',
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

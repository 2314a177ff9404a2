import { ENV } from '../settings.ts';

/**
 * Everything that is measured, with CloudWatch's unit. Ten custom metrics are free; each further one costs $0.30 a
 * month. `UploadsRefused` is the eleventh: CloudWatch bills a metric for the hours in which it is measured, and this one
 * is measured once a day at most, so it costs a cent or two a month.
 *
 * Why something failed is a property of its log line, not a dimension: every code would be a metric of its own.
 */
export const METRICS = {
  /** Generations accepted. */
  Accepted: 'Count',
  /** Generations that succeeded: their outputs are in the bucket. */
  Succeeded: 'Count',
  /** Generations that failed. */
  Failed: 'Count',
  /** Generations that were cancelled. */
  Cancelled: 'Count',
  /** What Wiro charged, in US dollars. */
  CostUsd: 'None',
  /** Seconds from acceptance to copied outputs. */
  TimeToResult: 'Seconds',
  /** Of whoever stands first in line for a slot at Wiro; 0 when nobody does. Measured by each run of `reconcile`. */
  OldestWaitingAge: 'Seconds',
  /**
   * Looks at a generation, after the twentieth without anything coming of them; ends that cannot be told; meetings with
   * missing secrets.
   */
  FruitlessLooks: 'Count',
  /** Wiro made two tasks for one attempt. */
  SecondTask: 'Count',
  /** Generations that failed because the Wiro account had too little money. */
  InsufficientBalance: 'Count',
  /** Wiro was found to refuse every upload of the project. */
  UploadsRefused: 'Count',
} as const satisfies Record<string, 'Count' | 'Seconds' | 'None'>;

/** The name of a metric, with its CloudWatch unit. `Observability` raises alarms on some of them. */
export type MetricName = keyof typeof METRICS;
export type Measurements = { readonly [name in MetricName]?: number };

export const METRIC_NAMESPACE = 'WiroGenerations';
/** The one dimension: several deployments may share an account. */
export const METRIC_DIMENSION = 'Deployment';

/**
 * What a log line needs to be a measurement too: CloudWatch's embedded metric format. No call, and nothing to load.
 * @returns Nothing where the deployment measures nothing.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function embedded(
  measured: Measurements,
  now: Date,
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, unknown>> {
  const namespace = env[ENV.metricsNamespace];
  const names = Object.keys(measured) as MetricName[];
  if (!namespace || names.length === 0) return {};
  return {
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [[METRIC_DIMENSION]],
          Metrics: names.map((Name) => ({ Name, Unit: METRICS[Name] })),
        },
      ],
    },
    [METRIC_DIMENSION]: env[ENV.deployment],
    ...measured,
  };
}

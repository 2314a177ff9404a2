import { ENV } from '../settings.ts';

/**
 * All metrics, with their CloudWatch units. Ten custom metrics are free, and each further one costs $0.30 a month.
 * `UploadsRefused` is the eleventh. CloudWatch bills a metric only for hours with data, and this one has data at most
 * once a day, so it costs a cent or two a month.
 *
 * The cause of a failure is a property of its log line and not a dimension: each code would be a separate metric.
 */
export const METRICS = {
  /** Generations accepted. */
  Accepted: 'Count',
  /** Generations that succeeded. Their outputs are in the bucket. */
  Succeeded: 'Count',
  /** Generations that failed. */
  Failed: 'Count',
  /** Generations that were cancelled. */
  Cancelled: 'Count',
  /** Wiro's charges, in US dollars. */
  CostUsd: 'None',
  /** Seconds from acceptance, or from the start of the last retry, until the outputs are copied. */
  TimeToResult: 'Seconds',
  /** Seconds that the first generation in line has waited for a slot at Wiro, or 0. `reconcile` measures it each run. */
  OldestWaitingAge: 'Seconds',
  /**
   * Attempts to advance a generation, counted from the twentieth without progress. Also announcements that cannot be
   * delivered, and work that is blocked because the deployment lacks its secrets.
   */
  FruitlessLooks: 'Count',
  /** Wiro created two tasks for one attempt. */
  SecondTask: 'Count',
  /** Generations that failed because the Wiro account's balance was too low. */
  InsufficientBalance: 'Count',
  /** Detections that Wiro refuses every upload of the project. */
  UploadsRefused: 'Count',
} as const satisfies Record<string, 'Count' | 'Seconds' | 'None'>;

/** The name of a metric. `Observability` creates alarms for some of them. */
export type MetricName = keyof typeof METRICS;
export type Measurements = { readonly [name in MetricName]?: number };

export const METRIC_NAMESPACE = 'WiroGenerations';
/** The only dimension. It separates the deployments in one account. */
export const METRIC_DIMENSION = 'Deployment';

/**
 * Returns the fields that make a log line a measurement: CloudWatch's embedded metric format. It needs no API call and no
 * library.
 * @returns An empty object if the deployment has no metrics namespace.
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

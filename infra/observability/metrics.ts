import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_DIMENSION, METRIC_NAMESPACE, type MetricName } from '../../functions/runtime/metrics.ts';

/** The metrics whose default statistic is not the sum. */
const STATISTIC: Partial<Record<MetricName, string>> = {
  TimeToResult: cloudwatch.Stats.percentile(90),
  OldestWaitingAge: cloudwatch.Stats.MAXIMUM,
};

/** Returns the CloudWatch metric that the functions write to their logs under this name. */
export function generationMetric(
  deployment: string,
  name: MetricName,
  options?: cloudwatch.MetricOptions,
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    statistic: STATISTIC[name] ?? cloudwatch.Stats.SUM,
    ...options,
    namespace: METRIC_NAMESPACE,
    metricName: name,
    dimensionsMap: { [METRIC_DIMENSION]: deployment },
  });
}

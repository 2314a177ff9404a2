import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC_DIMENSION, METRIC_NAMESPACE, type MetricName } from '../../functions/runtime/metrics.ts';

/** Counts and money are added up; of ages the worst counts. */
const STATISTIC: Partial<Record<MetricName, string>> = {
  TimeToResult: cloudwatch.Stats.percentile(90),
  OldestWaitingAge: cloudwatch.Stats.MAXIMUM,
};

/** One of the metrics that the functions write into their logs, as CloudWatch has it. */
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

import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { METRIC_NAMESPACE } from '../../functions/runtime/metrics.ts';
import { WIRO_DEFAULTS } from '../../functions/settings.ts';
import { withoutSlashAtEnd } from '../checks/form.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import type { InputBucketTriggers } from './triggering-bucket.ts';
import type { Environment } from './wiro-function.ts';

/** What the functions work with. */
export interface Resources {
  readonly table: dynamodb.ITable;
  readonly inputs: InputBucketTriggers;
  readonly outputBucket: s3.IBucket;
  readonly eventBus: events.IEventBus;
  readonly parameterPath: string;
  readonly secret: secretsmanager.ISecret | undefined;
}

/** Writes the properties and the names of the resources as settings of the functions. */
export function environmentOf(
  props: WiroGenerationsProps<s3.IBucket>,
  {
    deployment,
    table,
    inputs,
    outputBucket,
    eventBus,
    parameterPath,
    secret,
  }: Resources & {
    readonly deployment: string;
  },
): Environment {
  const { furtherInputBuckets = [], inputPrefixes = [], presets = {} } = props;
  const durations = {
    ...props.durations,
    ...(props.deadline && { deadline: props.deadline.toMilliseconds() }),
    ...(props.maximumWait && { maximumWait: props.maximumWait.toMilliseconds() }),
  };
  return {
    deployment,
    table: table.tableName,
    inputBucket: inputs.nameForFunctions,
    outputBucket: outputBucket.bucketName,
    eventBus: eventBus.eventBusName,
    parameterPath,
    secretArn: secret?.secretArn,
    furtherInputBuckets: furtherInputBuckets.map((bucket) => bucket.bucketName).join(',') || undefined,
    furtherModelKinds: props.furtherModelKinds?.join(',') || undefined,
    models: props.models?.join(','),
    unknownParameters: props.unknownParameters,
    usageLabels: props.usageLabels?.join(',') || undefined,
    inputPrefixes: inputPrefixes.length > 0 ? JSON.stringify(inputPrefixes) : undefined,
    presets: Object.keys(presets).length > 0 ? JSON.stringify(presets) : undefined,
    timeZone: props.timeZone,
    maximumConcurrency: props.maximumConcurrency?.toString(),
    dueShards: props.dueShards?.toString(),
    maximumCollects: props.maximumCollects?.toString(),
    maximumGenerationsPerDay: props.maximumGenerationsPerDay?.toString(),
    wiroApiUrl: withoutSlashAtEnd(props.wiroApiUrl ?? WIRO_DEFAULTS.apiUrl),
    wiroSocketUrl: withoutSlashAtEnd(props.wiroSocketUrl ?? WIRO_DEFAULTS.socketUrl),
    wiroOutputHosts: props.wiroOutputHosts?.join(',') ?? WIRO_DEFAULTS.outputHosts,
    inputHandover: props.inputHandover ?? 'auto',
    metricsNamespace: props.observability === 'none' ? undefined : METRIC_NAMESPACE,
    durations: Object.keys(durations).length > 0 ? JSON.stringify(durations) : undefined,
    durationDivisor: props.durationDivisor?.toString(),
  };
}

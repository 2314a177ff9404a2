import { Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import { PREFIX } from '../../functions/objects/prefix.ts';
import type { InputPrefixes } from '../../functions/request/input-prefixes.ts';
import { API_PARAMETERS, PARAMETER } from '../../functions/settings.ts';
import type { GrantTarget } from './grants.ts';

export interface GrantTargetsOptions {
  readonly table: dynamodb.ITable;
  readonly inputBucketArn: string;
  readonly furtherInputBuckets: readonly s3.IBucket[];
  /** Keyed by bucket name, as in `furtherInputBuckets` and `inputBucketName`. */
  readonly inputPrefixes: InputPrefixes;
  /** The input bucket's key in `inputPrefixes`. */
  readonly inputBucketName: string;
  readonly receivesUploads: boolean;
  readonly outputBucket: s3.IBucket;
  readonly eventBus: events.IEventBus;
  readonly parameterPath: string;
  readonly secret: secretsmanager.ISecret | undefined;
}

/** Maps each target to its ARNs: none if the deployment does not have it. */
export function grantTargetsOf(
  scope: IConstruct,
  options: GrantTargetsOptions,
): Readonly<Record<GrantTarget, readonly string[]>> {
  const { table, inputBucketArn, furtherInputBuckets, outputBucket, eventBus, parameterPath, secret } =
    options;
  const inputBuckets = [
    { name: options.inputBucketName, arn: inputBucketArn },
    ...furtherInputBuckets.map(({ bucketName, bucketArn }) => ({ name: bucketName, arn: bucketArn })),
  ];
  const prefixesOf = (bucketName: string) => options.inputPrefixes.get(bucketName) ?? [''];
  const received = [PREFIX.requests, ...(options.receivesUploads ? [PREFIX.uploads] : [])];
  const isRestricted = options.inputPrefixes.has(options.inputBucketName);
  const { callbackBaseUrl, callbackFunction } = PARAMETER;
  // One name without permission makes `GetParameters` fail as a whole. With a secret, functions read only these two.
  const written: readonly string[] = [callbackBaseUrl, callbackFunction];
  const parameters = secret ? written : Object.values(PARAMETER);
  const apiParameters = secret ? API_PARAMETERS.filter((name) => written.includes(name)) : API_PARAMETERS;
  const parameterArn = (name: string) =>
    Stack.of(scope).formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: `${parameterPath.slice(1)}/${name}`,
    });
  return {
    table: [table.tableArn],
    dueIndex: [`${table.tableArn}/index/due`],
    waitingIndex: [`${table.tableArn}/index/waiting`],
    historyIndex: [`${table.tableArn}/index/history`],
    inputBucket: [inputBucketArn],
    inputBuckets: inputBuckets.map(({ arn }) => arn),
    inputs: inputBuckets.flatMap(({ name, arn }) => prefixesOf(name).map((prefix) => `${arn}/${prefix}*`)),
    temporaryInputs: [`${inputBucketArn}/${PREFIX.temporaryInputs}*`],
    // Without a restriction, `inputs` covers them.
    received: isRestricted ? received.map((prefix) => `${inputBucketArn}/${prefix}*`) : [],
    results: [`${inputBucketArn}/${PREFIX.results}*`],
    rejected: [`${inputBucketArn}/${PREFIX.rejected}*`],
    outputBucket: [outputBucket.bucketArn],
    outputs: [outputBucket.arnForObjects(`${PREFIX.outputs}*`)],
    folderResults: ['json', 'html'].map((kind) =>
      outputBucket.arnForObjects(`${PREFIX.outputs}*/result.${kind}`),
    ),
    largeRequests: [outputBucket.arnForObjects(`${PREFIX.largeRequests}*`)],
    eventBus: [eventBus.eventBusArn],
    parameters: parameters.map(parameterArn),
    apiParameters: apiParameters.map(parameterArn),
    secret: secret ? [arnForRights(secret)] : [],
  };
}

/** The ARN of a secret imported by name lacks the six random characters at its end. */
function arnForRights({ secretFullArn, secretArn }: secretsmanager.ISecret): string {
  return secretFullArn ?? `${secretArn}-??????`;
}

import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DeleteParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { PARAMETER } from '../functions/settings.ts';
import { LOCAL_CREDENTIALS } from './aws/credentials.ts';
import { createTable } from './aws/dynamodb-table.ts';

export interface ProvisionOptions {
  readonly region: string;
  readonly s3: string;
  readonly dynamodb: string;
  readonly ssm: string;
  readonly inputBucket: string;
  readonly outputBucket: string;
  readonly table: string;
  readonly parameterPath: string;
  readonly parameters: {
    /** `undefined` if the credentials are in a secret. */
    readonly credentials: { readonly apiKey: string; readonly apiSecret: string | undefined } | undefined;
    readonly callbackBaseUrl: string;
    readonly callbackFunction: string;
  };
}

/** Creates what the stack and `npm run setup` create in AWS, unless it exists from an earlier run. */
export async function provision(options: ProvisionOptions): Promise<void> {
  await Promise.all([provisionTable(options), provisionBuckets(options), provisionParameters(options)]);
}

async function provisionTable({ dynamodb, region, table }: ProvisionOptions): Promise<void> {
  const client = new DynamoDBClient({ endpoint: dynamodb, region, credentials: LOCAL_CREDENTIALS });
  try {
    await createTable(client, table);
  } finally {
    client.destroy();
  }
}

async function provisionBuckets(options: ProvisionOptions): Promise<void> {
  const { s3, region, inputBucket, outputBucket } = options;
  const client = new S3Client({ endpoint: s3, region, credentials: LOCAL_CREDENTIALS, forcePathStyle: true });
  try {
    // In us-east-1, creating an existing bucket of the same account succeeds.
    for (const Bucket of [inputBucket, outputBucket]) await client.send(new CreateBucketCommand({ Bucket }));
    await allowLocalPages(client, inputBucket);
  } finally {
    client.destroy();
  }
}

/** Lets web pages under development upload, with the rule that `uploadOrigins` makes. Keeps other rules. */
async function allowLocalPages(client: S3Client, Bucket: string): Promise<void> {
  try {
    await client.send(new GetBucketCorsCommand({ Bucket }));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'NoSuchCORSConfiguration')) throw error;
    const rule = {
      AllowedOrigins: ['http://localhost:*', 'http://127.0.0.1:*'],
      AllowedMethods: ['PUT'],
      AllowedHeaders: ['content-type'],
      MaxAgeSeconds: 3600,
    };
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }));
  }
}

/** Keeps the callback secret of an earlier run, which signed the callback URLs of running tasks. */
async function provisionParameters({
  ssm,
  region,
  parameterPath,
  parameters,
}: ProvisionOptions): Promise<void> {
  const client = new SSMClient({ endpoint: ssm, region, credentials: LOCAL_CREDENTIALS });
  const nameOf = (parameter: keyof typeof PARAMETER) => `${parameterPath}/${PARAMETER[parameter]}`;
  const put = (parameter: keyof typeof PARAMETER, Type: 'String' | 'SecureString', Value: string) =>
    client.send(new PutParameterCommand({ Name: nameOf(parameter), Type, Value, Overwrite: true }));
  try {
    await put('callbackBaseUrl', 'String', parameters.callbackBaseUrl);
    await put('callbackFunction', 'String', parameters.callbackFunction);
    if (parameters.credentials === undefined) return;
    const { apiKey, apiSecret } = parameters.credentials;
    await put('apiKey', 'SecureString', apiKey);
    if (apiSecret) await put('apiSecret', 'SecureString', apiSecret);
    else await remove(client, nameOf('apiSecret'));
    await putOnce(client, nameOf('callbackSecret'), randomBytes(32).toString('hex'));
  } finally {
    client.destroy();
  }
}

async function putOnce(client: SSMClient, Name: string, Value: string): Promise<void> {
  try {
    await client.send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }));
  } catch (error) {
    if (!(error instanceof ParameterAlreadyExists)) throw error;
  }
}

async function remove(client: SSMClient, Name: string): Promise<void> {
  try {
    await client.send(new DeleteParameterCommand({ Name }));
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
  }
}

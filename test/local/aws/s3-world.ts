import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Event } from 'aws-lambda';
import { onTestFinished } from 'vitest';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../../local/aws/credentials.ts';
import { startS3 } from '../../../local/aws/s3.ts';

export const Bucket = 'photos';

export interface S3World {
  readonly client: S3Client;
  readonly endpoint: string;
  readonly dataDir: string;
  /** All notifications so far. */
  readonly events: S3Event[];
  readonly stop: () => Promise<void>;
}

/** Starts an S3 with one bucket, which is removed after the test. */
export async function s3World(
  options: { readonly dataDir?: string; readonly client?: S3ClientConfig } = {},
): Promise<S3World> {
  const dataDir = options.dataDir ?? (await temporaryDirectory());
  const events: S3Event[] = [];
  const s3 = await startS3({ dataDir, onObjectCreated: (event) => events.push(event) });
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: LOCAL_REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
    logger: QUIET,
    ...options.client,
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    client.destroy();
    stopping ??= s3.stop();
    return stopping;
  };
  onTestFinished(stop);
  await client.send(new CreateBucketCommand({ Bucket }));
  return { client, endpoint: s3.endpoint, dataDir, events, stop };
}

const nothing = () => {};
/** A silent logger. The SDK's default one would write expected errors to the console. */
const QUIET = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wiro-local-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The name of the promise's error, or its value. */
export const outcome = <T>(work: Promise<T>): Promise<T | string> =>
  work.catch((error: unknown) => (error instanceof Error ? error.name : String(error)));

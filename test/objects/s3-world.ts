import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createAskS3 } from '../../functions/objects/ask-s3.ts';
import type { S3Access } from '../../functions/objects/object-url.ts';
import { createS3Client } from '../../functions/objects/s3-client.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../local/aws/credentials.ts';
import { startS3 } from '../../local/aws/s3.ts';

export const BUCKET = 'outputs';

/** The local S3 with one bucket, and the functions' own client. */
export async function startS3World() {
  const dataDir = await mkdtemp(join(tmpdir(), 'objects-'));
  const { endpoint, stop } = await startS3({ dataDir });
  const client = s3ClientFor(endpoint);
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));

  return {
    client,
    endpoint,
    access: accessTo(endpoint),
    ask: createAskS3(accessTo(endpoint)),
    async bytesOf(key: string): Promise<Buffer> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    head: (key: string) => client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key })),
    async keys(): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      return Contents.map(({ Key }) => Key ?? '');
    },
    async openUploads(): Promise<string[]> {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
      return Uploads.map(({ Key }) => Key ?? '');
    },
    async stop() {
      client.destroy();
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export const accessTo = (endpoint: string): S3Access => ({
  endpoint,
  region: LOCAL_REGION,
  credentials: LOCAL_CREDENTIALS,
});

export type S3World = Awaited<ReturnType<typeof startS3World>>;

export function s3ClientFor(endpoint: string, stallMs?: number): S3Client {
  return createS3Client({
    env: { AWS_REGION: LOCAL_REGION, AWS_ENDPOINT_URL_S3: endpoint },
    credentials: LOCAL_CREDENTIALS,
    ...(stallMs === undefined ? {} : { stallMs }),
  });
}

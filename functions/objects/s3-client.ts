import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { ownEndpointOf } from '../aws/endpoint.ts';
import { S3 } from './object-url.ts';

export interface S3ClientDeps {
  readonly env: NodeJS.ProcessEnv;
  /** A request fails if no data moves on its connection for this long. @default 30,000 */
  readonly stallMs?: number;
  /** @default - the SDK's default chain, which in Lambda reads the environment */
  readonly credentials?: S3ClientConfig['credentials'];
}

const CONNECT_MS = 3_000;
const STALL_MS = 30_000;

/** Creates the S3 client of one container. Its connections stay open between invocations. */
export function createS3Client({ env, stallMs = STALL_MS, credentials }: S3ClientDeps): S3Client {
  const endpoint = ownEndpointOf(S3, env);
  return new S3Client({
    ...(env.AWS_REGION ? { region: env.AWS_REGION } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(credentials ? { credentials } : {}),
    // An emulator addresses buckets by path. Bucket names in the host would need its own DNS.
    forcePathStyle: Boolean(endpoint),
    // "Expect: 100-continue" makes the SDK open a new connection for every body over 2 MB.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: stallMs,
      httpAgent: { keepAlive: true },
      httpsAgent: { keepAlive: true },
    },
  });
}

import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

export interface S3ClientDeps {
  readonly env: NodeJS.ProcessEnv;
  /** A request fails when nothing moves on its connection for this long. */
  readonly stallMs?: number;
  /** @default - the SDK's chain, which in Lambda ends at the environment */
  readonly credentials?: S3ClientConfig['credentials'];
}

const CONNECT_MS = 3_000;
const STALL_MS = 30_000;

/** An S3 client for one container: built once, its connections stay open between invocations. */
export function createS3Client({ env, stallMs = STALL_MS, credentials }: S3ClientDeps): S3Client {
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  return new S3Client({
    ...(env.AWS_REGION ? { region: env.AWS_REGION } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(credentials ? { credentials } : {}),
    // Emulators know buckets by path; a bucket's name in the host would need DNS of theirs.
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

import type { S3Client } from '@aws-sdk/client-s3';
import { createOverflow } from '../objects/overflow.ts';
import { PREFIX } from '../objects/prefix.ts';
import { ENV, requireEnv } from '../settings.ts';
import type { Overflow } from '../store/generation-store.ts';

/** Creates this deployment's store for requests that are too large for the table. */
export const createDeploymentOverflow = (
  s3: Pick<S3Client, 'send'>,
  env: NodeJS.ProcessEnv = process.env,
): Overflow =>
  createOverflow(s3, { bucket: requireEnv(ENV.outputBucket, env), prefix: PREFIX.largeRequests });

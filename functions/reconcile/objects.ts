import { createDeploymentOverflow } from '../compose/overflow.ts';
import { createJsonObjects, type JsonObjects } from '../objects/json-object.ts';
import { createS3Client } from '../objects/s3-client.ts';
import type { Overflow } from '../store/generation-store.ts';

let built: { readonly json: JsonObjects; readonly overflow: Overflow } | undefined;

/** Creates what announcing needs of S3, once. */
export function createObjects() {
  const client = createS3Client({ env: process.env });
  built ??= {
    json: createJsonObjects({ client }),
    overflow: createDeploymentOverflow(client),
  };
  return built;
}

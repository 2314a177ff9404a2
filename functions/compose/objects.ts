import { createInputStore } from '../objects/input-store.ts';
import { createJsonObjects } from '../objects/json-object.ts';
import { createS3Client } from '../objects/s3-client.ts';
import { createDeploymentOverflow } from './overflow.ts';

/** What needs the SDK of S3. One client serves a container. */
const client = createS3Client({ env: process.env });
export const inputs = createInputStore(client);
export const json = createJsonObjects({ client });
export const overflow = createDeploymentOverflow(client);

import type { Credentials } from '../../client/index.ts';
import type { Deployment } from './deployment.ts';

/** What `npm start` writes to `endpoints.json`, as far as the console needs it. */
export interface LocalEndpoints {
  readonly api: string;
  readonly s3: string;
  readonly wiro: string;
  readonly region: string;
  readonly inputBucket: string;
  readonly credentials: Credentials;
}

/** The local environment, whose API takes requests without a signature. */
export const localDeployment = ({
  api,
  s3,
  wiro,
  region,
  inputBucket,
  credentials,
}: LocalEndpoints): Deployment => ({
  name: 'local',
  apiUrl: api,
  region,
  inputBucket,
  s3: { endpoint: s3, credentials: async () => credentials },
  isSimulated: new URL(wiro).hostname === '127.0.0.1',
});

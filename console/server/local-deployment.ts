import type { Credentials } from '../../client/index.ts';
import type { Deployment } from './deployment.ts';

/** What `npm start` writes to `endpoints.json`, as far as the console needs it. */
export interface LocalEndpoints {
  readonly api: string;
  readonly region: string;
  readonly s3?: string;
  readonly wiro?: string;
  readonly events?: string;
  readonly eventBus?: string;
  readonly inputBucket?: string;
  readonly credentials?: Credentials;
}

/** The local environment, whose API takes requests without a signature. */
export const localDeployment = ({
  api,
  s3,
  wiro,
  events,
  eventBus,
  region,
  inputBucket,
  credentials = { accessKeyId: 'local', secretAccessKey: 'local' },
}: LocalEndpoints): Deployment => ({
  name: 'local',
  apiUrl: api,
  region,
  ...(inputBucket !== undefined && { inputBucket }),
  ...(eventBus !== undefined && { eventBus }),
  ...(events !== undefined && { eventsUrl: events }),
  ...(wiro !== undefined && { wiroUrl: wiro }),
  s3: { ...(s3 !== undefined && { endpoint: s3 }), credentials: async () => credentials },
  isSimulated: wiro !== undefined && new URL(wiro).hostname === '127.0.0.1',
});

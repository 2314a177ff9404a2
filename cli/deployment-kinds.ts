import type { Credentials } from '../client/index.ts';

/** Which deployment the user means. */
export interface DeploymentOptions {
  /** The name or ARN of a stack. @default - the environment that `npm start` runs */
  readonly stack?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  /** The stack's output that holds the API's URL. @default - `ApiUrl`, or the only one whose name ends so */
  readonly apiOutput?: string | undefined;
  /** The directory that `npm start -- --data` was given. @default - `.local` here, in a folder above, or of the project */
  readonly data?: string | undefined;
}

/** Where to talk to. */
export type Deployment = LocalDeployment | StackDeployment;

interface Address {
  /** The API's URL. */
  readonly url: string;
  readonly region: string;
  /** For a person, such as `the stack Shop in eu-central-1`. */
  readonly title: string;
  /** The same for the same deployment at every start, and different for any other. */
  readonly identity: string;
}

export interface LocalDeployment extends Address {
  readonly kind: 'local';
  /** The directory with the environment's data. */
  readonly data: string;
  readonly endpoints: Endpoints;
}

export interface StackDeployment extends Address {
  readonly kind: 'stack';
  readonly stack: string;
  /** The account's number. */
  readonly account: string;
  /** Renews what expires. */
  readonly credentials: () => Promise<Credentials>;
  readonly profile?: string;
  /** All outputs of the stack. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** What `npm start` writes into `endpoints.json`, as far as commands need it. */
export interface Endpoints {
  readonly api: string;
  readonly region: string;
  readonly callback?: string;
  readonly s3?: string;
  readonly dynamodb?: string;
  readonly ssm?: string;
  readonly events?: string;
  readonly lambda?: string;
  readonly wiro?: string;
  readonly inputBucket?: string;
  readonly outputBucket?: string;
  readonly table?: string;
  readonly eventBus?: string;
  readonly parameterPath?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

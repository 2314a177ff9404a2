import type { Credentials } from '../../client/index.ts';

/** What the console's server must know of a deployment. */
export interface Deployment {
  /** The stack's name, or `local`. */
  readonly name: string;
  readonly apiUrl: string;
  readonly region: string;
  /** @default - unknown: inputs that are named by their key alone have no picture */
  readonly inputBucket?: string;
  readonly eventBus?: string;
  /** Where EventBridge answers. @default - AWS */
  readonly eventsUrl?: string;
  /** Wiro's API. @default - Wiro's own */
  readonly wiroUrl?: string;
  /** Signs requests to the API. @default - they are not signed, as the local environment expects */
  readonly credentials?: () => Promise<Credentials>;
  /** Where inputs lie, for their pictures. */
  readonly s3: {
    /** @default - AWS */
    readonly endpoint?: string;
    readonly credentials: () => Promise<Credentials>;
  };
  /** Whether Wiro is the simulator, which charges nothing. @default false */
  readonly isSimulated?: boolean;
}

import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { FunctionName } from '../functions/functions.ts';
import type { Presets } from '../functions/request/preset.ts';
import type { Durations, FurtherModelKind, InputHandover } from '../functions/settings.ts';
import type { ObservabilityLevel } from './observability/observability.ts';
import type { WiroCredentials } from './wiro-credentials.ts';

/** What a deployment is told. Only `credentials` is required; what cannot work is refused at synthesis. */
export interface WiroGenerationsProps<OutputBucket extends s3.IBucket = s3.IBucket> {
  /** The Wiro project's key and the secret that signs callbacks: where they lie, never themselves. */
  readonly credentials: WiroCredentials;
  /**
   * Part of every generation's id and callback URL. Changing it makes another deployment: give `namePrefix` the old
   * name, or the input bucket and the bus are replaced. Letters, digits and `-`, at most 64. @default - the stack's name
   */
  readonly deployment?: string | undefined;
  /**
   * What the names of the input bucket and the bus made here begin with. Changing it replaces both: inputs stay behind
   * (with `removalPolicy` DESTROY they are deleted), and so do other people's rules. Letters, digits and `-`, at most
   * 64. @default - `deployment`
   */
  readonly namePrefix?: string | undefined;

  /**
   * Where inputs, request files and dropped files are put, and request files answered. One of the stack's account
   * and region; CDK adds its notifications beside those it has, with a function that runs during the deployment.
   * @default - a bucket of its own: private, encrypted, TLS only
   */
  readonly inputBucket?: s3.IBucket | undefined;
  /** Buckets besides the input bucket that inputs may come from. @default - none */
  readonly furtherInputBuckets?: readonly s3.IBucket[] | undefined;
  /**
   * Where requests may name objects: `prefix/` in the input bucket, `s3://bucket/prefix/` in one of
   * `furtherInputBuckets`. A bucket for which there is none stays open as a whole. Requests that name others are refused,
   * and no function may read them. Each ends in `/`; at most 500 bytes as JSON.
   * @default - any object in these buckets, whoever requests
   */
  readonly inputPrefixes?: readonly string[] | undefined;
  /**
   * Where outputs are copied to, under `outputs/`, and large requests kept, under `large-requests/`. May be the
   * input bucket. @default - a bucket of its own: private, encrypted, TLS only
   */
  readonly outputBucket?: OutputBucket | undefined;
  /**
   * Where records are kept: a `GenerationTable`, or an imported one with the same keys, indexes and time-to-live
   * attribute. Not shared with another deployment. @default - a table of its own
   */
  readonly table?: dynamodb.ITable | undefined;
  /**
   * Where generations are requested and their ends announced. Not shared with another deployment: both would run each
   * request. @default - a bus of its own, called `namePrefix`
   */
  readonly eventBus?: events.IEventBus | undefined;

  /** What each file put under `uploads/<name>/` in the input bucket becomes. @default - none: nothing starts for `uploads/` */
  readonly presets?: Presets | undefined;
  /**
   * How long inputs, request files and their answers, outputs and large requests are kept, in whole days, not shorter
   * than `deadline`. Counts from when each was put, in the buckets made here. Records stay. @default - until someone
   * deletes them
   */
  readonly retention?: Duration | undefined;
  /** How long the functions' logs are kept. @default logs.RetentionDays.ONE_MONTH */
  readonly logRetention?: logs.RetentionDays | undefined;
  /** How long a task may run, counted from its Run, before it is stopped. @default Duration.hours(6) */
  readonly deadline?: Duration | undefined;
  /**
   * How long a generation may wait in line for a slot at Wiro before it fails with `waited_too_long`, uncharged.
   * Inputs must be kept for as long: mind `retention`. @default Duration.days(7)
   */
  readonly maximumWait?: Duration | undefined;
  /** Tasks of this deployment that run at once, from 1 to 1,000, whatever Wiro would allow. What is more waits. @default - as many as Wiro allows */
  readonly maximumConcurrency?: number | undefined;
  /**
   * Generations whose outputs are copied at once, from 1 to 100; the others wait, with their slots at Wiro free. Keeps
   * slow copies from using up the concurrency that callbacks, the API and everything else need: see
   * docs/operations.md. Two writes more a generation. @default - as many as come
   */
  readonly maximumCollects?: number | undefined;
  /**
   * Concurrency that a function has to itself, and no more than that. AWS takes it from the account's and refuses the
   * deployment unless 100 stay unreserved: a new account must have its quota raised first. See docs/operations.md.
   * @default - none: all share what the account has
   */
  readonly reservedConcurrency?: Partial<Readonly<Record<FunctionName, number>>> | undefined;
  /** Generations accepted in a day (UTC); what is more is refused. A bound for what a mistake costs. @default - none */
  readonly maximumGenerationsPerDay?: number | undefined;

  /**
   * How inputs in S3 get to Wiro.
   * - `auto`: as uploads, each content once a day. If Wiro refuses the uploads of the whole project, in the body of the
   *   Run while the inputs that are under way together stay under 20 MB, else by links.
   * - `upload`: as uploads and in no other way.
   * - `presigned`: Wiro fetches them by links that live for 15 minutes: cheaper, but a task that waits longer at Wiro
   *   fails.
   * @default 'auto'
   */
  readonly inputHandover?: InputHandover | undefined;
  /**
   * Kinds of models that are run besides those that make outputs of a request.
   * - `realtime`: the task waits for a client on its socket, which your app must be; without one it holds a slot until
   *   the deadline, and may be charged by the turn.
   * - `training`: the task makes a model at Wiro.
   * @default - none: both are refused with `model_not_supported`
   */
  readonly furtherModelKinds?: readonly FurtherModelKind[] | undefined;
  /** Metrics, alarms, dashboard and traces; see docs/operations.md and docs/cost.md. @default 'standard' */
  readonly observability?: ObservabilityLevel | undefined;

  /**
   * Where Wiro reaches `callback`: for tunnels, custom domains and CDNs. It may have a path, which may be passed on.
   * @default - its Function URL
   */
  readonly callbackBaseUrl?: string | undefined;
  /** Wiro's API, or a simulator of it. Ends in `/v1`. @default - Wiro itself */
  readonly wiroApiUrl?: string | undefined;
  /** Where a running task is watched: `wss://…`, as the API tells those who ask for it. @default - Wiro itself */
  readonly wiroSocketUrl?: string | undefined;
  /** Hosts that outputs are copied from; each stands for its subdomains too. @default - Wiro's */
  readonly wiroOutputHosts?: readonly string[] | undefined;
  /** In milliseconds; `Durations` says what each is and what it is by default. @default - those */
  readonly durations?: Partial<Durations> | undefined;
  /** Divides every duration that `durations` does not give: for tests. @default 1 */
  readonly durationDivisor?: number | undefined;
  /** What becomes of table and buckets made here, with all they hold, when the stack goes. @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy | undefined;
  /** The functions' code, where it is not the package's. @default - the bundles that the package brings */
  readonly code?: Readonly<Record<FunctionName, FunctionCode>> | undefined;
}

/** The code of a function, ready to be run. */
export interface FunctionCode {
  /** Everything in it is deployed. */
  readonly directory: string;
  /** As Lambda spells it: `index.handler`. */
  readonly handler: string;
}

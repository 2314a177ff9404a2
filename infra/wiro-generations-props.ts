import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as events from 'aws-cdk-lib/aws-events';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { FunctionName } from '../functions/functions.ts';
import type { Presets } from '../functions/request/preset.ts';
import type {
  DueShards,
  Durations,
  FurtherModelKind,
  InputHandover,
  UnknownParameters,
} from '../functions/settings.ts';
import type { ObservabilityLevel } from './observability/observability.ts';
import type { WiroCredentials } from './wiro-credentials.ts';

/** The properties of a deployment. Only `credentials` is required. Synthesis refuses properties that cannot work. */
export interface WiroGenerationsProps<OutputBucket extends s3.IBucket = s3.IBucket> {
  /** Where the Wiro project's key and the callback secret are stored, not the secrets themselves. */
  readonly credentials: WiroCredentials;
  /**
   * Part of every generation's id and callback URL. A changed value makes another deployment: set `namePrefix` to the
   * old name, or the input bucket and the bus are replaced. Letters, digits and `-`, at most 64.
   * @default - the stack's name
   */
  readonly deployment?: string | undefined;
  /**
   * The beginning of the names of the input bucket and the bus made here. A changed value replaces both: inputs stay in
   * the old bucket (`removalPolicy` DESTROY deletes them), and rules stay on the old bus. Letters, digits and `-`, at
   * most 64. @default - `deployment`
   */
  readonly namePrefix?: string | undefined;

  /**
   * The bucket for inputs, request files and dropped files, and for the answers to request files. It must be in the
   * stack's account and region. CDK adds notifications to the existing ones, with a function that runs during the
   * deployment. @default - a new bucket: private, encrypted, TLS only
   */
  readonly inputBucket?: s3.IBucket | undefined;
  /** Further buckets that inputs may come from. @default - none */
  readonly furtherInputBuckets?: readonly s3.IBucket[] | undefined;
  /**
   * Where requests may name objects: `prefix/` in the input bucket, `s3://bucket/prefix/` in one of
   * `furtherInputBuckets`. Requests for other objects are refused, and no function may read these. A bucket without a
   * prefix stays open. Each prefix ends in `/`; together at most 500 bytes as JSON.
   * @default - every request may name any object in these buckets
   */
  readonly inputPrefixes?: readonly string[] | undefined;
  /**
   * The bucket for outputs (`outputs/`) and large requests (`large-requests/`). May be the input bucket.
   * @default - a new bucket: private, encrypted, TLS only
   */
  readonly outputBucket?: OutputBucket | undefined;
  /**
   * The table for records: a `GenerationTable`, or an imported one with the same keys, indexes and time-to-live
   * attribute. Must not be shared with another deployment. @default - a new table
   */
  readonly table?: dynamodb.ITable | undefined;
  /**
   * The bus for requests and outcomes. Must not be shared with another deployment: both would run each request.
   * @default - a new bus named `namePrefix`
   */
  readonly eventBus?: events.IEventBus | undefined;

  /** The run that each file put under `uploads/<name>/` in the input bucket starts. @default - none */
  readonly presets?: Presets | undefined;
  /**
   * How long the buckets made here keep inputs, request files, answers and outputs, counted from each put. Whole days,
   * at least `deadline`. Records stay, with their large requests. @default - until someone deletes them
   */
  readonly retention?: Duration | undefined;
  /**
   * How long inputs that were uploaded through the API (`POST /uploads`) are kept, counted from each upload, in an input
   * bucket made here. Whole days, at least `maximumWait`. In a bucket of your own, add a lifecycle rule for
   * `inputs/temporary/`. @default - 14 days, or `maximumWait` if that is longer
   */
  readonly uploadRetention?: Duration | undefined;
  /**
   * Origins of web pages that may upload inputs straight to an input bucket made here, such as
   * `https://app.example.com`. In a bucket of your own, add the CORS rule yourself. @default - none
   */
  readonly uploadOrigins?: readonly string[] | undefined;
  /** How long the functions' logs are kept. @default logs.RetentionDays.ONE_MONTH */
  readonly logRetention?: logs.RetentionDays | undefined;
  /** How long a task may run, counted from its Run, before it is stopped. @default Duration.hours(6) */
  readonly deadline?: Duration | undefined;
  /**
   * How long an attempt may wait in line for a slot at Wiro before the generation fails with `waited_too_long`,
   * uncharged. Keep inputs at least as long: see `retention`. @default Duration.days(7)
   */
  readonly maximumWait?: Duration | undefined;
  /** How many tasks may run at once, from 1 to 1,000. Others wait. @default - as many as Wiro allows */
  readonly maximumConcurrency?: number | undefined;
  /**
   * How many generations' outputs may be copied at once, from 1 to 100. Others wait, with their slots at Wiro free. So
   * slow copies leave concurrency for callbacks, the API and everything else: see docs/operations.md. Costs two writes
   * more per generation. @default - no limit
   */
  readonly maximumCollects?: number | undefined;
  /**
   * 8 spreads what is due over 8 shards of the table's index, and writes less to the index of the history: for more than
   * about 150 generations a second, and a little cheaper below that. Set it once no release from before this
   * setting can come back, and read docs/upgrades.md before going back from it. @default 1
   */
  readonly dueShards?: DueShards | undefined;
  /**
   * Concurrency that a function has to itself, and no more than that. AWS takes it from the account's concurrency and
   * requires that 100 stay unreserved: a new account needs a higher quota first. See docs/operations.md.
   * @default - none: all functions share the account's concurrency
   */
  readonly reservedConcurrency?: Partial<Readonly<Record<FunctionName, number>>> | undefined;
  /**
   * How many generations are accepted per day (UTC), to limit the cost of a mistake. Others are refused.
   * @default - no limit
   */
  readonly maximumGenerationsPerDay?: number | undefined;

  /**
   * The time zone in which the folders of dropped files' outputs are named, such as `Europe/Berlin`.
   * @default UTC
   */
  readonly timeZone?: string | undefined;

  /**
   * How inputs in S3 reach Wiro.
   * - `auto`: as uploads, each content once a day. If Wiro refuses uploads for the whole project, in the body of the
   *   Run while the inputs under way stay under 20 MB together, else by links.
   * - `upload`: only as uploads.
   * - `presigned`: by links that Wiro fetches within 15 minutes. Cheaper, but a task that waits longer at Wiro fails.
   * @default 'auto'
   */
  readonly inputHandover?: InputHandover | undefined;
  /**
   * Kinds of models to run besides those that make outputs from a request.
   * - `realtime`: the task waits for a client on its socket, which your app must be. Without one it holds a slot until
   *   the deadline, and may be charged by the turn.
   * - `training`: the task makes a model, which stays at Wiro.
   * @default - none: both are refused with `model_not_supported`
   */
  readonly furtherModelKinds?: readonly FurtherModelKind[] | undefined;
  /**
   * The models to run: `owner/project`, or `owner/` and the beginning of names, such as `wiro/*` or `google/veo*`. Other
   * models are refused with `model_not_allowed` and not listed. @default - every model
   */
  readonly models?: readonly string[] | undefined;
  /**
   * Parameters that a model does not list.
   * - `warn`: passed on to Wiro, which takes some that it does not list, with a warning in the record.
   * - `refuse`: refused with `invalid_parameter`.
   * @default 'warn'
   */
  readonly unknownParameters?: UnknownParameters | undefined;
  /**
   * Labels that usage is counted by (`GET /usage`), besides day and model, such as `['team']`. At most 3 names of letters,
   * digits, `_`, `.` and `-`. @default - none
   */
  readonly usageLabels?: readonly string[] | undefined;
  /** How many metrics, alarms and traces: see docs/operations.md and docs/cost.md. @default 'standard' */
  readonly observability?: ObservabilityLevel | undefined;

  /**
   * The address of `callback` for Wiro, such as a tunnel, a custom domain or a CDN. Its path, if any, may be passed on
   * or removed. @default - its Function URL
   */
  readonly callbackBaseUrl?: string | undefined;
  /** The address of Wiro's API, or of a simulator. Ends in `/v1`. @default - Wiro itself */
  readonly wiroApiUrl?: string | undefined;
  /** The address for watching a running task (`wss://…`), which records contain. @default - Wiro itself */
  readonly wiroSocketUrl?: string | undefined;
  /** Hosts that outputs are copied from, subdomains included. @default - Wiro's */
  readonly wiroOutputHosts?: readonly string[] | undefined;
  /** Durations in milliseconds, by the names in `Durations`. @default - the defaults there */
  readonly durations?: Partial<Durations> | undefined;
  /** Divides every duration that `durations` does not set: for tests. @default 1 */
  readonly durationDivisor?: number | undefined;
  /**
   * Whether the table and buckets made here, with their contents, are deleted with the stack.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy | undefined;
  /** The functions' code, if not the package's. @default - the package's bundles */
  readonly code?: Readonly<Record<FunctionName, FunctionCode>> | undefined;
}

/** The code of a function, ready to run. */
export interface FunctionCode {
  /** The directory to deploy, with everything in it. */
  readonly directory: string;
  /** The handler, as Lambda spells it: `index.handler`. */
  readonly handler: string;
}

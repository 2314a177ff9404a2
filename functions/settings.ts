/**
 * All settings of a deployment. `infra/` and `local/` write them as environment variables, and the functions read them
 * here.
 */

/** Names of the environment variables that the functions read. */
export const ENV = {
  /** The name of this deployment, part of every id and callback URL. Letters, digits and `-`. */
  deployment: 'DEPLOYMENT',
  table: 'TABLE_NAME',
  inputBucket: 'INPUT_BUCKET',
  /** Other buckets that inputs may come from, comma-separated. */
  furtherInputBuckets: 'FURTHER_INPUT_BUCKETS',
  /** A JSON list of the allowed prefixes of inputs: see `parseInputPrefixes`. @default - all keys in these buckets */
  inputPrefixes: 'INPUT_PREFIXES',
  /** See `InputHandover`. @default - `upload`, for stacks from before `auto` existed */
  inputHandover: 'INPUT_HANDOVER',
  /** Kinds of models that are allowed besides plain ones, comma-separated: see `FurtherModelKind`. */
  furtherModelKinds: 'FURTHER_MODEL_KINDS',
  /** The models to run, comma-separated: see `MODEL_PATTERN`. Not set: every model. */
  models: 'MODELS',
  /** How parameters that a model does not list are treated: see `UnknownParameters`. Not set: `warn`. */
  unknownParameters: 'UNKNOWN_PARAMETERS',
  /** Labels that usage is counted by, comma-separated: see `MOST_USAGE_LABELS`. @default - none */
  usageLabels: 'USAGE_LABELS',
  outputBucket: 'OUTPUT_BUCKET',
  eventBus: 'EVENT_BUS_NAME',
  /** The path of the SSM parameters, for example `/wiro/my-stack`. See `PARAMETER`. */
  parameterPath: 'PARAMETER_PATH',
  /** A Secrets Manager secret with the credentials, instead of the SecureStrings. See `SECRET_FIELD`. */
  secretArn: 'SECRET_ARN',
  /** The maximum number of new generations per day (UTC), retries that run again included. @default - no limit */
  maximumGenerationsPerDay: 'MAXIMUM_GENERATIONS_PER_DAY',
  /** The maximum number of concurrent tasks of this deployment. @default - as many as Wiro allows */
  maximumConcurrency: 'MAXIMUM_CONCURRENCY',
  /** The maximum number of generations whose outputs are copied concurrently. @default - no limit */
  maximumCollects: 'MAXIMUM_COLLECTS',
  /** See `DueShards`. @default - 1 */
  dueShards: 'DUE_SHARDS',
  submitFunction: 'SUBMIT_FUNCTION',
  callbackFunction: 'CALLBACK_FUNCTION',
  /** JSON: the requests that objects under `uploads/<name>/` become, see `Preset`. */
  presets: 'PRESETS',
  /** The time zone in which folders of outputs of dropped files are named, such as `Europe/Berlin`. @default - UTC */
  timeZone: 'TIME_ZONE',
  wiroApiUrl: 'WIRO_API_URL',
  wiroSocketUrl: 'WIRO_SOCKET_URL',
  /** Hosts of outputs: comma-separated `host` or `host:port`. A host includes its subdomains. */
  wiroOutputHosts: 'WIRO_OUTPUT_HOSTS',
  /** The CloudWatch namespace of the metrics in the log. @default - no metrics */
  metricsNamespace: 'METRICS_NAMESPACE',
  /** JSON: overrides of `DURATIONS` by name, in milliseconds. */
  durations: 'DURATIONS',
  /** A divisor for every default duration, for tests that run the real bundles. */
  durationDivisor: 'DURATION_DIVISOR',
} as const;

/** The `source` of a deployment's events on its bus. */
export const EVENT_SOURCE = 'wiro.generations';

/**
 * How inputs in S3 get to Wiro.
 * - `upload`: the deployment uploads them, each content once a day.
 * - `presigned`: Wiro fetches them with presigned URLs that are valid for 15 minutes.
 * - `auto`: as `upload`. If Wiro refuses every upload of the project, small inputs go in the body of the Run, and larger
 *   ones with presigned URLs.
 */
export type InputHandover = 'auto' | 'upload' | 'presigned';
export const INPUT_HANDOVERS: readonly InputHandover[] = ['auto', 'upload', 'presigned'];

/** Whether a parameter that a model does not list gets a warning or is refused. */
export type UnknownParameters = 'warn' | 'refuse';
export const UNKNOWN_PARAMETERS: readonly UnknownParameters[] = ['warn', 'refuse'];

/** Kinds of models that a deployment must allow explicitly: see `ModelKind`. */
export type FurtherModelKind = 'realtime' | 'training';
export const FURTHER_MODEL_KINDS: readonly FurtherModelKind[] = ['realtime', 'training'];

export const WIRO_DEFAULTS = {
  apiUrl: 'https://api.wiro.ai/v1',
  socketUrl: 'wss://socket.wiro.ai/v1',
  outputHosts: 'wiro.ai',
} as const;

/** SSM parameters under the deployment's path. `npm run setup` writes the first four as SecureStrings. */
export const PARAMETER = {
  apiKey: 'api-key',
  /** Absent for a key-only Wiro project. */
  apiSecret: 'api-secret',
  callbackSecret: 'callback-secret',
  /** Accepted during a rotation. */
  previousCallbackSecret: 'previous-callback-secret',
  /** Written by the stack: the URL at which Wiro reaches `callback`, for example its Function URL. */
  callbackBaseUrl: 'callback-base-url',
  /** Written by the stack: the name of `callback`, for functions that invoke it to collect a task. */
  callbackFunction: 'callback-function',
} as const;

/** The parameters that `api` reads and has permission to read. */
export const API_PARAMETERS: readonly string[] = [
  PARAMETER.apiKey,
  PARAMETER.apiSecret,
  PARAMETER.callbackFunction,
];

/** Fields of the JSON object in a Secrets Manager secret with the credentials. */
export const SECRET_FIELD = {
  apiKey: 'apiKey',
  /** Absent or empty for a key-only Wiro project. */
  apiSecret: 'apiSecret',
  callbackSecret: 'callbackSecret',
  /** Accepted during a rotation. */
  previousCallbackSecret: 'previousCallbackSecret',
} as const;

/** Every duration of the system, in milliseconds, with its default. */
export const DURATIONS = {
  /** How long a claim on a generation is valid without renewal. */
  lease: 60_000,
  /** How long a function waits before it renews its claim. */
  leaseRenewal: 20_000,
  /** The maximum difference between two clocks. */
  clockSkew: 5_000,
  /** The lease that the write-ahead mark of a Run sets. */
  markLease: 90_000,
  /** The time limit of one Run, from before its mark to the end of its answer. */
  runLimit: 30_000,
  /** Extends a Run's time limit and its mark's lease, for each started megabyte (1,048,576 bytes) of files in its body. */
  runPerMegabyte: 1_000,
  /** A Run is not sent later than this, measured from before its mark. */
  runSendLimit: 10_000,
  /** How far before the mark a search for a lost Run looks, because Wiro's clock may differ. */
  searchMargin: 300_000,
  /** The time between the two complete searches that must find nothing before a Run is repeated. */
  searchGap: 60_000,
  /** A lost Run releases its slot at the gate after this. The search for its task continues. */
  searchLimit: 3_600_000,
  /** The time until the first check of a running task without a callback. Doubles up to `lookMax`. */
  look: 60_000,
  /** The longest time between two checks of a running task. */
  lookMax: 900_000,
  /** The first wait after a failed step that may succeed later. Doubles up to `retryMax`. */
  retry: 5_000,
  /** The longest wait after a failed step that may succeed later. */
  retryMax: 300_000,
  /** How long Wiro may be unreachable, or refuse for transient reasons, before a generation fails. */
  patience: 21_600_000,
  /** How long a refused API key (401) is retried, because it may just have been replaced. */
  unauthorizedPatience: 30_000,
  /** The time between the three reads of a task that ended with `pexit` 0 and without outputs. */
  emptyOutputsGap: 20_000,
  /**
   * How long outputs may be unavailable before the generation fails. Also how long they may wait in line to be copied,
   * measured from when they first joined it.
   */
  outputPatience: 21_600_000,
  /** The time between two reads of an output that differs from Wiro's record, before it is stored as it is. */
  outputRecheck: 600_000,
  /** How long a task may stay at `task_error`, from which Wiro may recover it, before it is stopped. */
  taskErrorLimit: 900_000,
  /** How long Wiro must repeat the same undocumented refusal of a Run before it counts as permanent. */
  refusalPatience: 1_800_000,
  /** How long a failed delivery of an event or a results file is retried. Then an alarm is raised, and it is abandoned. */
  announcePatience: 86_400_000,
  /**
   * How long a task may run before it is stopped, measured from its Run. Also how long an unanswered Run is searched for
   * and repeated, measured from the first one.
   */
  deadline: 21_600_000,
  /** The time between Cancel and Kill, and between their repetitions. */
  stopRepeat: 15_000,
  /** How long a killed task may take to end. */
  stopLimit: 900_000,
  /** How long an attempt may wait in line for a slot before it fails, measured from when it joined the line. */
  maximumWait: 604_800_000,
  /** How long the gate stays closed after a code 96 that counts more tasks than this deployment's own. */
  gatePause: 5_000,
  /** The time after which one more task probes a learned limit, because the balance may have grown. */
  limitProbe: 30_000,
  /** The time without a code 96 after which a learned limit is forgotten. */
  limitForget: 3_600_000,
  /** How long an uploaded input is reused. Wiro keeps files for "a limited time". */
  uploadReuse: 86_400_000,
  /** How long a deployment remembers that Wiro refuses the project's uploads. */
  uploadsRefused: 86_400_000,
  /** Within this time, the same bytes under the same key are the same drop. Measured by the events' own times. */
  sameDrop: 300_000,
  /** The time between two checks of an upload that another function is making. */
  uploadPoll: 250,
  /** How long a model's schema is cached. */
  modelCache: 600_000,
  /** How long acceptance waits for a model's schema. */
  modelLimit: 2_000,
  /** The least time between two readings of a model's schema after refusals by the cached one. */
  modelRenewal: 10_000,
  /** How long secrets are cached. */
  secrets: 300_000,
  /** The minimum time between two reads of the secrets because of callbacks with unknown signatures. */
  secretsRenewal: 10_000,
  /** How long opening a connection to Wiro's API may take. */
  connect: 5_000,
  /** How long Wiro may take from a sent call to the first byte of its answer. */
  headers: 20_000,
  /** How long Wiro may take from the first byte of an answer to the last one. */
  body: 20_000,
  /** An upload to Wiro, or a copy of an output, fails after this long without progress. */
  stall: 30_000,
} as const;

/** Every duration of the system, in milliseconds, each with its default. */
export type Durations = { readonly [name in keyof typeof DURATIONS]: number };

/** Reads the durations from `DURATIONS` (overrides, in milliseconds) and `DURATION_DIVISOR`. */
export function readDurations(env: NodeJS.ProcessEnv): Durations {
  const overrides: unknown = JSON.parse(env[ENV.durations] ?? '{}');
  if (typeof overrides !== 'object' || overrides === null)
    throw new Error(`${ENV.durations} must be a JSON object`);
  const divisor = Number(env[ENV.durationDivisor] ?? '1');
  if (!(divisor >= 1)) throw new Error(`${ENV.durationDivisor} must be a number from 1`);
  const given = new Map(Object.entries(overrides));
  const names = Object.keys(DURATIONS) as (keyof Durations)[];
  for (const name of given.keys())
    if (!(name in DURATIONS)) throw new Error(`${ENV.durations}: no duration is called "${name}"`);
  return Object.fromEntries(
    names.map((name) => {
      const value: unknown = given.get(name) ?? DURATIONS[name] / divisor;
      if (typeof value !== 'number' || !(value >= 0))
        throw new Error(`${ENV.durations}: "${name}" must be milliseconds`);
      return [name, value];
    }),
  ) as Durations;
}

/** Reads a required environment variable. */
export function requireEnv(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const value = env[name];
  if (!value)
    throw new Error(`The environment variable ${name} is not set: deploy the stack again to set it`);
  return value;
}

/** Reads the maximum number of new generations per day. `undefined` means no limit. */
export const readMaximumGenerationsPerDay = (env: NodeJS.ProcessEnv): number | undefined =>
  readMaximum(ENV.maximumGenerationsPerDay, env);

/** The limit of `maximumConcurrency`: every running task has an entry in one item of the table, the gate. */
export const MOST_AT_ONCE = 1_000;

/** Reads the maximum number of concurrent tasks. `undefined` means as many as Wiro allows. */
export const readMaximumConcurrency = (env: NodeJS.ProcessEnv): number | undefined =>
  readMaximum(ENV.maximumConcurrency, env, MOST_AT_ONCE);

/** The limit of `maximumCollects`: every generation whose outputs are copied has an entry in one item of the table. */
export const MOST_COLLECTS = 100;

/** Reads the maximum number of generations whose outputs are copied concurrently. `undefined` means no limit. */
export const readMaximumCollects = (env: NodeJS.ProcessEnv): number | undefined =>
  readMaximum(ENV.maximumCollects, env, MOST_COLLECTS);

function readMaximum(name: string, env: NodeJS.ProcessEnv, most?: number): number | undefined {
  const text = env[name];
  if (!text) return undefined;
  const to = most === undefined ? '' : ` to ${most}`;
  if (!/^[1-9]\d{0,8}$/.test(text) || (most !== undefined && Number(text) > most))
    throw new Error(`${name} is "${text}": it must be a whole number from 1${to}`);
  return Number(text);
}

/**
 * How many shards of the index of due generations are written to. Releases before this setting read the first one only.
 * @see docs/upgrades.md
 */
export type DueShards = 1 | 8;
export const DUE_SHARDS: readonly DueShards[] = [1, 8];

/** Reads how many shards of the index of due generations are written to. */
export function readDueShards(env: NodeJS.ProcessEnv): DueShards {
  const text = env[ENV.dueShards] || '1';
  const shards = DUE_SHARDS.find((one) => String(one) === text);
  if (shards === undefined)
    throw new Error(`${ENV.dueShards} is "${text}": it must be ${DUE_SHARDS.join(' or ')}`);
  return shards;
}

/** Whether this is the name of a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The time zone of this deployment. A name that this Node does not know counts as UTC, so that no file is refused. */
export function readTimeZone(env: NodeJS.ProcessEnv): string {
  const name = env[ENV.timeZone] || 'UTC';
  return isTimeZone(name) ? name : 'UTC';
}

/** Reads how inputs in S3 get to Wiro. */
export function readInputHandover(env: NodeJS.ProcessEnv): InputHandover {
  const text = env[ENV.inputHandover] || 'upload';
  const handover = INPUT_HANDOVERS.find((one) => one === text);
  if (handover === undefined)
    throw new Error(`${ENV.inputHandover} is "${text}": it must be one of ${INPUT_HANDOVERS.join(', ')}`);
  return handover;
}

/** Reads how parameters that a model does not list are treated. */
export function readUnknownParameters(env: NodeJS.ProcessEnv): UnknownParameters {
  const text = env[ENV.unknownParameters] || 'warn';
  const choice = UNKNOWN_PARAMETERS.find((one) => one === text);
  if (choice === undefined)
    throw new Error(
      `${ENV.unknownParameters} is "${text}": it must be one of ${UNKNOWN_PARAMETERS.join(', ')}`,
    );
  return choice;
}

/** Reads the patterns of the models to run; `undefined` for every model. */
export function readAllowedModels(env: NodeJS.ProcessEnv): readonly string[] | undefined {
  const patterns = readList(ENV.models, env);
  return patterns.length > 0 ? patterns : undefined;
}

/** The most labels that usage is counted by. */
export const MOST_USAGE_LABELS = 3;
/** The name of a label that usage is counted by. */
export const USAGE_LABEL = /^[A-Za-z0-9_.-]{1,64}$/;

/** Reads the names of the labels that usage is counted by. */
export const readUsageLabels = (env: NodeJS.ProcessEnv): readonly string[] => readList(ENV.usageLabels, env);

/** Reads the kinds of models that are allowed besides plain ones. */
export const readFurtherModelKinds = (env: NodeJS.ProcessEnv): readonly FurtherModelKind[] =>
  readList(ENV.furtherModelKinds, env).map((text) => {
    const kind = FURTHER_MODEL_KINDS.find((one) => one === text);
    if (kind === undefined)
      throw new Error(
        `${ENV.furtherModelKinds} names "${text}": it must be some of ${FURTHER_MODEL_KINDS.join(', ')}`,
      );
    return kind;
  });

export const readList = (name: string, env: NodeJS.ProcessEnv): readonly string[] =>
  (env[name] ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** How a function's description in Lambda names the release that it was deployed with. */
export const releaseNote = (release: string): string => `(wiro-serverless ${release})`;

/** The release in a function's description; `undefined` if an earlier one deployed it, which named none. */
export const releaseIn = (description: string): string | undefined =>
  /\(wiro-serverless ([\w.+-]+)\)$/.exec(description)?.[1];

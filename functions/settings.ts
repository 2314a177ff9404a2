/**
 * Everything a deployment can set, read from one place.
 * The names are those of environment variables; `infra/` and `local/` write them, functions read them here.
 */

/** Names of the environment variables that the functions read. */
export const ENV = {
  /** Name of this deployment: part of every id and callback URL. Letters, digits and `-`. */
  deployment: 'DEPLOYMENT',
  table: 'TABLE_NAME',
  inputBucket: 'INPUT_BUCKET',
  /** Further buckets that inputs may come from, comma-separated. */
  furtherInputBuckets: 'FURTHER_INPUT_BUCKETS',
  /** JSON: a list of where requests may name inputs, see `parseInputPrefixes`. Not set: anywhere in these buckets. */
  inputPrefixes: 'INPUT_PREFIXES',
  /** How inputs in S3 get to Wiro: see `InputHandover`. Not set, as by a stack of before there was `auto`: `upload`. */
  inputHandover: 'INPUT_HANDOVER',
  /** Kinds of models besides plain ones that are run, comma-separated: see `FurtherModelKind`. */
  furtherModelKinds: 'FURTHER_MODEL_KINDS',
  outputBucket: 'OUTPUT_BUCKET',
  eventBus: 'EVENT_BUS_NAME',
  /** SSM parameters lie under this path, for example `/wiro/my-stack`. See `PARAMETER`. */
  parameterPath: 'PARAMETER_PATH',
  /** A secret of Secrets Manager that holds the credentials instead of the SecureStrings. See `SECRET_FIELD`. */
  secretArn: 'SECRET_ARN',
  /** New generations a day (UTC), retries that run anew included. Not set: as many as come. */
  maximumGenerationsPerDay: 'MAXIMUM_GENERATIONS_PER_DAY',
  /** Tasks of this deployment at once, whatever Wiro would take. Not set: as many as Wiro takes. */
  maximumConcurrency: 'MAXIMUM_CONCURRENCY',
  /** Generations whose outputs are copied at once. Not set: as many as come. */
  maximumCollects: 'MAXIMUM_COLLECTS',
  submitFunction: 'SUBMIT_FUNCTION',
  callbackFunction: 'CALLBACK_FUNCTION',
  /** JSON: what objects put under `uploads/<name>/` become, see `Preset`. */
  presets: 'PRESETS',
  wiroApiUrl: 'WIRO_API_URL',
  wiroSocketUrl: 'WIRO_SOCKET_URL',
  /** Comma-separated `host` or `host:port`; a host stands for its subdomains too. */
  wiroOutputHosts: 'WIRO_OUTPUT_HOSTS',
  /** CloudWatch namespace of the metrics in the log. Without it, nothing is measured. */
  metricsNamespace: 'METRICS_NAMESPACE',
  /** JSON, overrides by name of `DURATIONS`, in milliseconds. */
  durations: 'DURATIONS',
  /** Every duration is divided by this; for test suites that run the real bundles. */
  durationDivisor: 'DURATION_DIVISOR',
} as const;

/**
 * How inputs in S3 get to Wiro.
 * - `upload`: each content once a day.
 * - `presigned`: Wiro fetches them itself, by links that live for 15 minutes.
 * - `auto`: as uploads, unless Wiro refuses those of the whole project: then in the body of the Run while they are
 *   small, else by links.
 */
export type InputHandover = 'auto' | 'upload' | 'presigned';
export const INPUT_HANDOVERS: readonly InputHandover[] = ['auto', 'upload', 'presigned'];

/** Kinds of models that are refused unless a deployment allows them: see `ModelKind`. */
export type FurtherModelKind = 'realtime' | 'training';
export const FURTHER_MODEL_KINDS: readonly FurtherModelKind[] = ['realtime', 'training'];

export const WIRO_DEFAULTS = {
  apiUrl: 'https://api.wiro.ai/v1',
  socketUrl: 'wss://socket.wiro.ai/v1',
  outputHosts: 'wiro.ai',
} as const;

/** SSM parameters under the deployment's path. The first four are SecureStrings that `npm run setup` writes. */
export const PARAMETER = {
  apiKey: 'api-key',
  /** Missing for a key-only Wiro project. */
  apiSecret: 'api-secret',
  callbackSecret: 'callback-secret',
  /** Still accepted while a rotation is under way. */
  previousCallbackSecret: 'previous-callback-secret',
  /** Written by the stack: where Wiro reaches `callback`, for example its Function URL. */
  callbackBaseUrl: 'callback-base-url',
  /** Written by the stack: the name of `callback`, for who records a task that was called back already. */
  callbackFunction: 'callback-function',
} as const;

/** Those that `api` reads, and may read. */
export const API_PARAMETERS: readonly string[] = [
  PARAMETER.apiKey,
  PARAMETER.apiSecret,
  PARAMETER.callbackFunction,
];

/** Fields of the JSON object that a secret of Secrets Manager holds, where the credentials are there. */
export const SECRET_FIELD = {
  apiKey: 'apiKey',
  /** Missing or empty for a key-only Wiro project. */
  apiSecret: 'apiSecret',
  callbackSecret: 'callbackSecret',
  /** Still accepted while a rotation is under way. */
  previousCallbackSecret: 'previousCallbackSecret',
} as const;

/** Every duration of the system, in milliseconds, with its default. */
export const DURATIONS = {
  /** How long a claim of `submitting` or `collecting` holds without renewal. */
  lease: 60_000,
  /** How long a holder waits before it renews its claim. */
  leaseRenewal: 20_000,
  /** How far two clocks may differ. */
  clockSkew: 5_000,
  /** The lease that the mark before a Run sets. */
  markLease: 90_000,
  /** The limit of one Run, from before the mark to the end of its answer. */
  runLimit: 30_000,
  /** What each begun megabyte (1,048,576 bytes) of files in a Run's body adds to its limit and its mark's lease. */
  runPerMegabyte: 1_000,
  /** A Run is not sent if this much time has passed since before the mark. */
  runSendLimit: 10_000,
  /** How far before the mark a search for a lost Run looks, because Wiro's clock may differ. */
  searchMargin: 300_000,
  /** The time between the two complete searches without result that allow another Run. */
  searchGap: 60_000,
  /** When a Run whose task is still searched for releases its slot at the gate. The search goes on. */
  searchLimit: 3_600_000,
  /** When a running task without a callback is first looked at. Doubles up to `lookMax`. */
  look: 60_000,
  /** The longest wait between two looks at a running task. */
  lookMax: 900_000,
  /** The first wait after a failed step that may succeed later. Doubles up to `retryMax`. */
  retry: 5_000,
  /** The longest wait after a failed step that may succeed later. */
  retryMax: 300_000,
  /** How long Wiro may be unreachable, or refuse temporarily, before a generation fails. */
  patience: 21_600_000,
  /** How long a refused key (401) is tried again, because it may just have been replaced. */
  unauthorizedPatience: 30_000,
  /** The time between the three readings of an end with `pexit` 0 and no outputs. */
  emptyOutputsGap: 20_000,
  /**
   * How long outputs may be unavailable before the generation fails. Also how long they may wait in line to be copied,
   * counted from when they first joined it.
   */
  outputPatience: 21_600_000,
  /** The time between two readings of an output that differs from Wiro's record, before the difference is accepted. */
  outputRecheck: 600_000,
  /** How long a task may stay at `task_error`, which is not an end, before it is stopped. */
  taskErrorLimit: 900_000,
  /** How long Wiro must repeat the same undocumented refusal of a Run before it counts as permanent. */
  refusalPatience: 1_800_000,
  /** How long a failed event or results file is tried again. Then an alarm rings, and it is given up. */
  announcePatience: 86_400_000,
  /**
   * The time from a Run until its task is stopped. Also the time from the first Run without an answer until searching
   * and repeating it end.
   */
  deadline: 21_600_000,
  /** The time between Cancel and Kill, and between their repetitions. */
  stopRepeat: 15_000,
  /** How long an end is awaited after Kill. */
  stopLimit: 900_000,
  /** How long an attempt may wait in line for a slot, counted from when it joined, before it fails. */
  maximumWait: 604_800_000,
  /** How long the gate stays shut after a code 96 that reports more running tasks than are known. */
  gatePause: 5_000,
  /** When a known limit is tested with one more task, because the balance may have grown. */
  limitProbe: 60_000,
  /** How long after the last code 96 the limit counts as unknown again. */
  limitForget: 3_600_000,
  /** How long an uploaded input is reused. Wiro keeps files for "a limited time". */
  uploadReuse: 86_400_000,
  /** How long a deployment remembers that Wiro refuses uploads for its project. */
  uploadsRefused: 86_400_000,
  /** Within this time, by the events' clocks, the same bytes put under the same key are the same drop. */
  sameDrop: 300_000,
  /** The time between two looks at another generation's upload of the same input. */
  uploadPoll: 250,
  /** How long a model's schema is cached. */
  modelCache: 600_000,
  /** How long acceptance waits for a model's schema. */
  modelLimit: 2_000,
  /** How long secrets are cached. */
  secrets: 300_000,
  /** The least time between two readings of the secrets after callbacks with an unknown signature. */
  secretsRenewal: 10_000,
  /** How long opening a connection to Wiro's API may take. */
  connect: 5_000,
  /** The time from sending a call to Wiro to the first byte of its answer. */
  headers: 20_000,
  /** The time from the first to the last byte of Wiro's answer. */
  body: 20_000,
  /** An upload to Wiro or a copy of an output fails if nothing moves for this long. */
  stall: 30_000,
} as const;

/** Every duration of the system, in milliseconds, each with its default. */
export type Durations = { readonly [name in keyof typeof DURATIONS]: number };

/** Reads the durations, in milliseconds, from `DURATIONS` (overrides) and `DURATION_DIVISOR`. */
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

/** A setting without which a function cannot work. */
export function requireEnv(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const value = env[name];
  if (!value)
    throw new Error(`The environment variable ${name} is not set: deploy the stack again, which sets it`);
  return value;
}

/** How many new generations a day are accepted; `undefined` where that is not limited. */
export const readMaximumGenerationsPerDay = (env: NodeJS.ProcessEnv): number | undefined =>
  readMaximum(ENV.maximumGenerationsPerDay, env);

/** Every task that runs holds a place in one item of the table, the gate. */
export const MOST_AT_ONCE = 1_000;

/** How many tasks may run at once; `undefined` where only Wiro limits that. */
export const readMaximumConcurrency = (env: NodeJS.ProcessEnv): number | undefined =>
  readMaximum(ENV.maximumConcurrency, env, MOST_AT_ONCE);

/** Every generation whose outputs are copied holds a place in one item of the table. */
export const MOST_COLLECTS = 100;

/** How many generations' outputs may be copied at once; `undefined` where that is not limited. */
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

/** How inputs in S3 get to Wiro. */
export function readInputHandover(env: NodeJS.ProcessEnv): InputHandover {
  const text = env[ENV.inputHandover] || 'upload';
  const handover = INPUT_HANDOVERS.find((one) => one === text);
  if (handover === undefined)
    throw new Error(`${ENV.inputHandover} is "${text}": it must be one of ${INPUT_HANDOVERS.join(', ')}`);
  return handover;
}

/** The kinds of models besides plain ones that are run. */
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

import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { FUNCTIONS } from '../../functions/functions.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import { findClosest } from '../../functions/request/did-you-mean.ts';
import { isAllowedModel } from '../../functions/request/model-name.ts';
import {
  DUE_SHARDS,
  ENV,
  FURTHER_MODEL_KINDS,
  INPUT_HANDOVERS,
  isTimeZone,
  MOST_AT_ONCE,
  MOST_COLLECTS,
  MOST_USAGE_LABELS,
  readDurations,
  UNKNOWN_PARAMETERS,
  USAGE_LABEL,
} from '../../functions/settings.ts';
import { WiroCredentials } from '../wiro-credentials.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import { checkLocation } from './check-location.ts';
import { checkTable } from './check-table.ts';
import { ConfigurationError, messageOf } from './configuration-error.ts';
import {
  apiUrlError,
  DEPLOYMENT,
  type Form,
  formError,
  MODELS,
  OUTPUT_HOST,
  PARAMETER_PATH,
  urlError,
} from './form.ts';
import { inputPrefixesError, inputsOf, presetBucketError, presetsError } from './input-errors.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Plain http is only accepted for simulators on this machine. */
const WEB = ['https:', 'http:'];
const SOCKET = ['wss:', 'ws:'];

/**
 * Refuses properties that would make the deployment fail, during or after it.
 * @param names - The effective `deployment`, `namePrefix` and `path`.
 * @throws {ConfigurationError} For the first fault.
 */
export function checkProps(
  scope: IConstruct,
  props: WiroGenerationsProps,
  names: { readonly deployment: string; readonly namePrefix: string; readonly path: string },
): void {
  const refuse = (sentence: string | undefined) => {
    if (sentence !== undefined) throw new ConfigurationError(scope, sentence);
  };
  for (const [name, value] of Object.entries(names))
    if (Token.isUnresolved(value))
      refuse(
        `the stack's name is only known at deployment: set ${name === 'path' ? "the credentials' path" : name}.`,
      );
  refuse(unknownPropError(props));
  refuse(resourceError(props));
  refuse(removalPolicyError(props));
  if (props.deployment === undefined && !DEPLOYMENT.pattern.test(names.deployment))
    refuse(
      `deployment defaults to the stack's name, "${names.deployment}", which is too long (${names.deployment.length} characters): set a shorter deployment; ${DEPLOYMENT.remedy}.`,
    );
  refuse(formError('deployment', names.deployment, DEPLOYMENT));
  refuse(formError('namePrefix', names.namePrefix, DEPLOYMENT));
  if (names.namePrefix === 'default' && !props.eventBus)
    refuse(
      'namePrefix is "default", which is the name of the bus that every account has: set another namePrefix (it defaults to the deployment, and that to the stack’s name), or pass an eventBus.',
    );
  refuse(formError("the credentials' path", names.path, PARAMETER_PATH));
  refuse(countError('maximumConcurrency', props.maximumConcurrency, MOST_AT_ONCE));
  refuse(countError('maximumCollects', props.maximumCollects, MOST_COLLECTS));
  refuse(dueShardsError(props.dueShards));
  refuse(reservedConcurrencyError(props));
  refuse(countError('maximumGenerationsPerDay', props.maximumGenerationsPerDay));
  refuse(timeZoneError(props.timeZone));
  refuse(choiceError('observability', props.observability, ['none', 'standard', 'full']));
  refuse(choiceError('inputHandover', props.inputHandover, INPUT_HANDOVERS));
  for (const kind of props.furtherModelKinds ?? [])
    refuse(choiceError('furtherModelKinds', kind, FURTHER_MODEL_KINDS));
  refuse(modelsError(props));
  refuse(choiceError('unknownParameters', props.unknownParameters, UNKNOWN_PARAMETERS));
  refuse(usageLabelsError(props));
  refuse(ifKnown(props.callbackBaseUrl, (url) => urlError('callbackBaseUrl', url, WEB)));
  refuse(
    ifKnown(props.callbackBaseUrl, (url) =>
      plainHttpError('callbackBaseUrl', url, 'the callback’s signature'),
    ),
  );
  refuse(ifKnown(props.wiroApiUrl, (url) => apiUrlError('wiroApiUrl', url, WEB)));
  refuse(ifKnown(props.wiroApiUrl, (url) => plainHttpError('wiroApiUrl', url, 'the API key')));
  refuse(ifKnown(props.wiroSocketUrl, (url) => urlError('wiroSocketUrl', url, SOCKET)));
  for (const host of props.wiroOutputHosts ?? []) refuse(outputHostError(host));
  refuse(presetsError(props.presets));
  refuse(presetBucketError(props, names.namePrefix));
  refuse(inputPrefixesError(props));
  refuse(durationsError(props));
  refuse(retentionError(props));
  refuse(uploadsError(props));
  const { table, inputBucket, outputBucket, eventBus, credentials } = props;
  if (inputBucket) checkLocation(scope, 'inputBucket', inputBucket, inputBucket.bucketArn);
  // S3 only serves readers in the bucket's own region. A bucket of another account may be shared with this one.
  for (const bucket of props.furtherInputBuckets ?? [])
    checkLocation(scope, 'furtherInputBuckets:', bucket, bucket.bucketArn, ['region']);
  if (outputBucket) checkLocation(scope, 'outputBucket', outputBucket, outputBucket.bucketArn);
  if (eventBus) checkLocation(scope, 'eventBus', eventBus, eventBus.eventBusArn);
  const { secret } = credentials;
  // A secret of another account may be shared with this one.
  if (secret) checkLocation(scope, 'the secret', secret, secret.secretArn, ['region']);
  if (table) {
    checkLocation(scope, 'table', table, table.tableArn);
    checkTable(scope, table);
  }
}

/** All properties, to detect misspelt ones. JavaScript would ignore them. */
const PROPS: Readonly<Record<keyof WiroGenerationsProps, true>> = {
  callbackBaseUrl: true,
  code: true,
  credentials: true,
  deadline: true,
  maximumWait: true,
  deployment: true,
  dueShards: true,
  durationDivisor: true,
  durations: true,
  eventBus: true,
  furtherInputBuckets: true,
  furtherModelKinds: true,
  inputBucket: true,
  inputHandover: true,
  inputPrefixes: true,
  logRetention: true,
  maximumCollects: true,
  models: true,
  unknownParameters: true,
  usageLabels: true,
  maximumConcurrency: true,
  maximumGenerationsPerDay: true,
  namePrefix: true,
  observability: true,
  timeZone: true,
  outputBucket: true,
  presets: true,
  removalPolicy: true,
  reservedConcurrency: true,
  retention: true,
  table: true,
  uploadOrigins: true,
  uploadRetention: true,
  wiroApiUrl: true,
  wiroOutputHosts: true,
  wiroSocketUrl: true,
};

function unknownPropError(props: WiroGenerationsProps): string | undefined {
  const names = Object.keys(PROPS);
  const unknown = Object.keys(props).find((name) => !names.includes(name));
  if (unknown === undefined) return undefined;
  const meant = findClosest(unknown, names);
  return `${unknown} is not a property of WiroGenerations: ${meant ? `did you mean ${meant}? Rename or remove it.` : `remove it, or use one of ${names.join(', ')}.`}`;
}

/** How to make a resource of the name of one that exists. In JavaScript, nothing else refuses the name itself. */
const FROM_NAME = {
  inputBucket: 's3.Bucket.fromBucketName',
  outputBucket: 's3.Bucket.fromBucketName',
  furtherInputBuckets: 's3.Bucket.fromBucketName',
  table: 'dynamodb.Table.fromTableName',
  eventBus: 'events.EventBus.fromEventBusName',
} as const;

function resourceError(props: WiroGenerationsProps): string | undefined {
  for (const name of Object.keys(FROM_NAME) as (keyof typeof FROM_NAME)[])
    for (const given of [props[name] ?? []].flat() as readonly unknown[])
      if (typeof given !== 'object' || given === null)
        return `${name} is "${given}", not a resource: pass ${FROM_NAME[name]}(…).`;
  return undefined;
}

function removalPolicyError({ removalPolicy }: WiroGenerationsProps): string | undefined {
  // CloudFormation can take a snapshot of neither a bucket nor a table.
  if (removalPolicy !== RemovalPolicy.SNAPSHOT) return undefined;
  return 'removalPolicy is SNAPSHOT, which buckets and tables do not have: use RemovalPolicy.RETAIN or DESTROY. The table has point-in-time recovery.';
}

function outputHostError(host: string): string | undefined {
  const error = formError('wiroOutputHosts', host, OUTPUT_HOST);
  if (error !== undefined) return error;
  try {
    parseOutputHosts(host);
    return undefined;
  } catch {
    return `wiroOutputHosts is "${host}", from which no output could be copied: ${OUTPUT_HOST.remedy}.`;
  }
}

function plainHttpError(name: string, value: string, exposed: string): string | undefined {
  const { protocol, hostname } = new URL(value);
  if (protocol !== 'http:' || LOCAL_HOST.test(hostname)) return undefined;
  return `${name} is "${value}": plain http exposes ${exposed} on the network. Use an https:// URL; http:// is only for simulators on this machine.`;
}

const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.docker\.internal|.+\.localhost)$/;

/** @throws {ConfigurationError} If JavaScript passes no properties. */
export function requireProps(scope: IConstruct, props: unknown): void {
  if (typeof props !== 'object' || props === null)
    throw new ConfigurationError(
      scope,
      'the properties are missing: pass at least { credentials: WiroCredentials.fromParameters() }.',
    );
}

/** @throws {ConfigurationError} If the credentials are missing or of another type, which JavaScript allows. */
export function requireCredentials(scope: IConstruct, { credentials }: Partial<WiroGenerationsProps>) {
  if (credentials instanceof WiroCredentials) return credentials;
  throw new ConfigurationError(
    scope,
    'credentials are missing: pass WiroCredentials.fromParameters() or WiroCredentials.fromSecret(secret).',
  );
}

/** Checks a value unless it is missing or only known at deployment. */
const ifKnown = (value: string | undefined, error: (value: string) => string | undefined) =>
  value === undefined || Token.isUnresolved(value) ? undefined : error(value);

function countError(name: string, value: number | undefined, most = Number.MAX_SAFE_INTEGER) {
  if (value === undefined || Token.isUnresolved(value)) return undefined;
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return undefined;
  const to = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
  return `${name} is ${value}: use a whole number from 1${to}, or omit it for no limit.`;
}

function timeZoneError(value: string | undefined) {
  if (value === undefined || Token.isUnresolved(value) || isTimeZone(value)) return undefined;
  return `timeZone is "${value}": use a name such as Europe/Berlin, or omit it for UTC.`;
}

function dueShardsError(value: number | undefined) {
  if (value === undefined || DUE_SHARDS.some((one) => one === value)) return undefined;
  return `dueShards is ${value}: use ${DUE_SHARDS.join(' or ')}.`;
}

function reservedConcurrencyError({
  reservedConcurrency = {},
  maximumCollects,
}: WiroGenerationsProps): string | undefined {
  if (typeof reservedConcurrency !== 'object' || Array.isArray(reservedConcurrency))
    return 'reservedConcurrency is not an object: pass numbers by function, for example { callback: 20 }.';
  const names = Object.keys(FUNCTIONS);
  for (const [name, value] of Object.entries(reservedConcurrency)) {
    if (!names.includes(name))
      return `reservedConcurrency.${name} names an unknown function: use ${names.join(', ')}.`;
    if (value === 0)
      return `reservedConcurrency.${name} is 0, which would stop the function: use a whole number from 1, or omit it.`;
    const error = countError(`reservedConcurrency.${name}`, value);
    if (error !== undefined) return error;
  }
  const { callback } = reservedConcurrency;
  if (callback !== undefined && maximumCollects !== undefined && maximumCollects >= callback)
    return `maximumCollects is ${maximumCollects} and reservedConcurrency.callback is ${callback}: copies could use all of it, and Lambda would throttle callbacks. Increase the reservation or reduce maximumCollects.`;
  return undefined;
}

function choiceError(name: string, value: string | undefined, choices: readonly string[]) {
  if (value === undefined || choices.includes(value)) return undefined;
  return `${name} is "${value}": use ${choices.map((choice) => `"${choice}"`).join(' or ')}.`;
}

const MOST_MODELS_BYTES = 500;

function modelsError({ models, presets = {} }: WiroGenerationsProps): string | undefined {
  if (models === undefined) return undefined;
  if (!Array.isArray(models)) return 'models is not a list: pass a list, for example ["wiro/*"].';
  if (models.length === 0)
    return 'models is empty: omit it to run every model, or add at least one, for example ["wiro/*"].';
  for (const pattern of models) {
    const error = formError('models', pattern, MODELS);
    if (error !== undefined) return error;
  }
  if (models.join(',').length > MOST_MODELS_BYTES)
    return `models takes more than ${MOST_MODELS_BYTES} bytes: use fewer or shorter patterns, for example wiro/*.`;
  for (const [name, { model }] of Object.entries(presets))
    if (typeof model === 'string' && !isAllowedModel(model, models))
      return `presets.${name} runs ${model}, which models does not allow: add it to models.`;
  return undefined;
}

function durationsError(props: WiroGenerationsProps): string | undefined {
  const { durations, durationDivisor } = props;
  try {
    effectiveDurations({ durations, durationDivisor });
  } catch (error) {
    return `durations or durationDivisor: ${messageOf(error)}.`;
  }
  for (const name of ['deadline', 'maximumWait'] as const) {
    const given = props[name];
    if (given === undefined) continue;
    if (durations?.[name] !== undefined) return `${name} is set twice: remove it from durations.`;
    if (given.toMilliseconds() < MINUTE_MS)
      return `${name} is ${textOf(given)}: use at least one minute, because reconcile runs once a minute.`;
  }
  return undefined;
}

/** Reads the durations like the functions. */
const effectiveDurations = ({
  durations,
  durationDivisor,
}: Pick<WiroGenerationsProps, 'durations' | 'durationDivisor'>) =>
  readDurations({
    ...(durations && { [ENV.durations]: JSON.stringify(durations) }),
    ...(durationDivisor !== undefined && { [ENV.durationDivisor]: String(durationDivisor) }),
  });

function retentionError(props: WiroGenerationsProps): string | undefined {
  const { retention, inputBucket, outputBucket, presets = {} } = props;
  if (retention === undefined) return undefined;
  const daysError = wholeDaysError('retention', retention);
  if (daysError !== undefined) return daysError;
  const { deadline = Duration.millis(effectiveDurations(props).deadline) } = props;
  if (retention.toMilliseconds() < deadline.toMilliseconds())
    return `retention is ${textOf(retention)}, shorter than the deadline of ${textOf(deadline)}: inputs would expire before their generation ends. Use a longer retention or a shorter deadline.`;
  if (inputBucket && outputBucket)
    return 'retention has no effect: it does not apply to a bucket that you pass as inputBucket or outputBucket. Omit retention, and add lifecycle rules to these buckets.';
  if (inputBucket) return undefined;
  for (const [field, text] of inputsOf(presets))
    if (!text.includes('://'))
      return `${field} is a key in the input bucket, where all objects expire after the retention: move it to one of furtherInputBuckets and name it as s3://bucket/key.`;
  return undefined;
}

const LABEL: Form = {
  pattern: USAGE_LABEL,
  remedy: 'use the name of a label, at most 64 letters, digits, "_", "." and "-"',
};

function usageLabelsError({ usageLabels }: WiroGenerationsProps): string | undefined {
  if (usageLabels === undefined) return undefined;
  if (!Array.isArray(usageLabels)) return 'usageLabels is not a list: pass a list, for example ["team"].';
  for (const name of usageLabels) {
    const error = formError('usageLabels', name, LABEL);
    if (error !== undefined) return error;
  }
  if (new Set(usageLabels).size < usageLabels.length)
    return 'usageLabels names a label twice: name each once.';
  if (usageLabels.length > MOST_USAGE_LABELS)
    return `usageLabels has ${usageLabels.length} names: use at most ${MOST_USAGE_LABELS}.`;
  return undefined;
}

function wholeDaysError(name: string, duration: Duration): string | undefined {
  const milliseconds = duration.toMilliseconds();
  return milliseconds >= DAY_MS && milliseconds % DAY_MS === 0
    ? undefined
    : `${name} is ${textOf(duration)}: S3 counts whole days, so use Duration.days(1) or more.`;
}

/** An origin in the form that browsers send. */
const ORIGIN: Form = {
  pattern: /^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?$/,
  remedy: 'use an origin without a path, for example https://app.example.com',
};

function uploadsError(props: WiroGenerationsProps): string | undefined {
  const { uploadRetention, uploadOrigins = [], inputBucket } = props;
  for (const origin of uploadOrigins) {
    const error = formError('uploadOrigins', origin, ORIGIN);
    if (error !== undefined) return error;
  }
  const name = uploadRetention ? 'uploadRetention' : uploadOrigins.length > 0 ? 'uploadOrigins' : undefined;
  if (inputBucket && name !== undefined)
    return `${name} has no effect: it does not apply to a bucket that you pass as inputBucket. Omit ${name}, and add lifecycle and CORS rules to that bucket.`;
  if (uploadRetention === undefined) return undefined;
  const daysError = wholeDaysError('uploadRetention', uploadRetention);
  if (daysError !== undefined) return daysError;
  const { maximumWait = Duration.millis(effectiveDurations(props).maximumWait) } = props;
  if (uploadRetention.toMilliseconds() < maximumWait.toMilliseconds())
    return `uploadRetention is ${textOf(uploadRetention)}, shorter than the maximumWait of ${textOf(maximumWait)}: uploads would expire while their generations wait. Use a longer uploadRetention or a shorter maximumWait.`;
  return undefined;
}

const textOf = (duration: Duration) => duration.toHumanString();

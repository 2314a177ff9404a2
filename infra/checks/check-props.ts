import { Duration, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { FUNCTIONS } from '../../functions/functions.ts';
import { isUnder, parseInputPrefixes } from '../../functions/request/input-prefixes.ts';
import type { Presets } from '../../functions/request/preset.ts';
import {
  ENV,
  FURTHER_MODEL_KINDS,
  INPUT_HANDOVERS,
  MOST_AT_ONCE,
  MOST_COLLECTS,
  readDurations,
} from '../../functions/settings.ts';
import { WiroCredentials } from '../wiro-credentials.ts';
import type { WiroGenerationsProps } from '../wiro-generations-props.ts';
import { checkPlace } from './check-place.ts';
import { checkPresets } from './check-presets.ts';
import { checkTable } from './check-table.ts';
import { closestName } from './closest-name.ts';
import { ConfigurationError } from './configuration-error.ts';
import {
  apiUrlError,
  DEPLOYMENT,
  type Form,
  formError,
  INPUT_PREFIX,
  inputBucketName,
  OUTPUT_HOST,
  PARAMETER_PATH,
  urlError,
} from './form.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Plain http is for simulators on this machine; the app's own settings ask for `test=true`. */
const WEB = ['https:', 'http:'];
const SOCKET = ['wss:', 'ws:'];

/**
 * Refuses what would fail when it is deployed or later, as far as it can be seen before.
 * @param names - `deployment`, `namePrefix` and `path` as they will be used.
 * @throws {ConfigurationError} For the first thing that is wrong.
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
        `the stack's name is only known once it is deployed: give ${name === 'path' ? 'the credentials a path' : `a ${name}`}.`,
      );
  refuse(unknownPropError(props));
  if (props.deployment === undefined && !DEPLOYMENT.pattern.test(names.deployment))
    refuse(
      `the deployment is named after its stack, "${names.deployment}", which is too long for it (${names.deployment.length} characters): give a shorter deployment; ${DEPLOYMENT.remedy}.`,
    );
  refuse(formError('deployment', names.deployment, DEPLOYMENT));
  refuse(formError('namePrefix', names.namePrefix, DEPLOYMENT));
  if (names.namePrefix === 'default' && !props.eventBus)
    refuse(
      'namePrefix is "default", as is the bus that every account has: give another namePrefix (without one it is the deployment, which is named after the stack), or an eventBus.',
    );
  refuse(formError("the credentials' path", names.path, PARAMETER_PATH));
  refuse(countError('maximumConcurrency', props.maximumConcurrency, MOST_AT_ONCE));
  refuse(countError('maximumCollects', props.maximumCollects, MOST_COLLECTS));
  refuse(reservedConcurrencyError(props));
  refuse(countError('maximumGenerationsPerDay', props.maximumGenerationsPerDay));
  refuse(choiceError('observability', props.observability, ['none', 'standard', 'full']));
  refuse(choiceError('inputHandover', props.inputHandover, INPUT_HANDOVERS));
  for (const kind of props.furtherModelKinds ?? [])
    refuse(choiceError('furtherModelKinds', kind, FURTHER_MODEL_KINDS));
  refuse(known(props.callbackBaseUrl, (url) => urlError('callbackBaseUrl', url, WEB)));
  refuse(known(props.callbackBaseUrl, (url) => plainError('callbackBaseUrl', url, 'callback’s signature')));
  refuse(known(props.wiroApiUrl, (url) => apiUrlError('wiroApiUrl', url, WEB)));
  refuse(known(props.wiroApiUrl, (url) => plainError('wiroApiUrl', url, 'API key')));
  refuse(known(props.wiroSocketUrl, (url) => urlError('wiroSocketUrl', url, SOCKET)));
  for (const host of props.wiroOutputHosts ?? []) refuse(formError('wiroOutputHosts', host, OUTPUT_HOST));
  refuse(presetsError(props.presets));
  refuse(presetBucketError(props, names.namePrefix));
  refuse(inputPrefixesError(props));
  refuse(durationsError(props));
  refuse(retentionError(props));
  refuse(uploadsError(props));
  const { table, inputBucket, outputBucket, eventBus, credentials } = props;
  if (inputBucket) checkPlace(scope, 'inputBucket', inputBucket, inputBucket.bucketArn);
  // S3 answers a reader from another region that the bucket is elsewhere. Another account's may be shared with this one.
  for (const bucket of props.furtherInputBuckets ?? [])
    checkPlace(scope, 'furtherInputBuckets:', bucket, bucket.bucketArn, ['region']);
  if (outputBucket) checkPlace(scope, 'outputBucket', outputBucket, outputBucket.bucketArn);
  if (eventBus) checkPlace(scope, 'eventBus', eventBus, eventBus.eventBusArn);
  const { secret } = credentials;
  // Another account's may be shared with this one.
  if (secret) checkPlace(scope, 'the secret', secret, secret.secretArn, ['region']);
  if (table) {
    checkPlace(scope, 'table', table, table.tableArn);
    checkTable(scope, table);
  }
}

/** Every property, so that a misspelt one is found in JavaScript too, where it would be ignored. */
const PROPS: Readonly<Record<keyof WiroGenerationsProps, true>> = {
  callbackBaseUrl: true,
  code: true,
  credentials: true,
  deadline: true,
  maximumWait: true,
  deployment: true,
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
  maximumConcurrency: true,
  maximumGenerationsPerDay: true,
  namePrefix: true,
  observability: true,
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
  const meant = closestName(unknown, names);
  return `${unknown} is not a property of WiroGenerations: ${meant ? `you probably mean ${meant}.` : `there are ${names.join(', ')}.`}`;
}

/** Whoever listens on the way reads what plain http carries. */
function plainError(name: string, value: string, carried: string): string | undefined {
  const { protocol, hostname } = new URL(value);
  if (protocol !== 'http:' || LOCAL_HOST.test(hostname)) return undefined;
  return `${name} is "${value}": plain http would show the ${carried} to whoever listens on the way. Give an https:// URL; http:// is for simulators on this machine.`;
}

const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|host\.docker\.internal|.+\.localhost)$/;

/** @throws {ConfigurationError} When JavaScript gave none at all. */
export function requireProps(scope: IConstruct, props: unknown): void {
  if (typeof props !== 'object' || props === null)
    throw new ConfigurationError(
      scope,
      'properties are missing: give at least { credentials: WiroCredentials.fromParameters() }.',
    );
}

/** @throws {ConfigurationError} Also from JavaScript, where nothing else would. */
export function requireCredentials(scope: IConstruct, { credentials }: Partial<WiroGenerationsProps>) {
  if (credentials instanceof WiroCredentials) return credentials;
  throw new ConfigurationError(
    scope,
    'credentials are missing: give WiroCredentials.fromParameters() or WiroCredentials.fromSecret(secret).',
  );
}

const known = (value: string | undefined, error: (value: string) => string | undefined) =>
  value === undefined || Token.isUnresolved(value) ? undefined : error(value);

function countError(name: string, value: number | undefined, most = Number.MAX_SAFE_INTEGER) {
  if (value === undefined || Token.isUnresolved(value)) return undefined;
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return undefined;
  const to = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
  return `${name} is ${value}: give a whole number from 1${to}, or leave it out for no limit of ours.`;
}

function reservedConcurrencyError({
  reservedConcurrency = {},
  maximumCollects,
}: WiroGenerationsProps): string | undefined {
  if (typeof reservedConcurrency !== 'object' || Array.isArray(reservedConcurrency))
    return 'reservedConcurrency: give numbers by function, for example { callback: 20 }.';
  const names = Object.keys(FUNCTIONS);
  for (const [name, value] of Object.entries(reservedConcurrency)) {
    if (!names.includes(name))
      return `reservedConcurrency.${name}: there is no such function; there are ${names.join(', ')}.`;
    if (value === 0)
      return `reservedConcurrency.${name} is 0, which would stop the function: give a whole number from 1, or leave it out.`;
    const error = countError(`reservedConcurrency.${name}`, value);
    if (error !== undefined) return error;
  }
  const { callback } = reservedConcurrency;
  if (callback !== undefined && maximumCollects !== undefined && maximumCollects >= callback)
    return `maximumCollects is ${maximumCollects} and reservedConcurrency.callback ${callback}: copies could take all of it, and callbacks would be turned away. Reserve more, or allow fewer copies.`;
  return undefined;
}

function choiceError(name: string, value: string | undefined, choices: readonly string[]) {
  if (value === undefined || choices.includes(value)) return undefined;
  return `${name} is "${value}": give ${choices.map((choice) => `"${choice}"`).join(' or ')}.`;
}

function presetsError(presets: Presets | undefined): string | undefined {
  try {
    if (presets !== undefined) checkPresets(presets);
    return undefined;
  } catch (error) {
    return `presets: ${messageOf(error)}`;
  }
}

/** A preset's own input in a bucket that no function may read fails for every file. */
function presetBucketError(
  { presets = {}, inputBucket, furtherInputBuckets = [] }: WiroGenerationsProps,
  namePrefix: string,
): string | undefined {
  const readable = [...(inputBucket ? [inputBucket] : []), ...furtherInputBuckets].map(
    ({ bucketName }) => bucketName,
  );
  // Each may be the one that is meant: names given in the app are known only once it is deployed.
  if (readable.some((name) => Token.isUnresolved(name))) return undefined;
  for (const [name, { inputs = {} }] of Object.entries(presets))
    for (const [parameter, source] of Object.entries(inputs))
      for (const text of [source].flat()) {
        const [, bucket] = /^s3:\/\/([^/]+)/.exec(text) ?? [];
        if (bucket === undefined || Token.isUnresolved(bucket) || readable.includes(bucket)) continue;
        // How the name of our own ends is made up when it is deployed.
        if (inputBucket === undefined && bucket.startsWith(`${inputBucketName(namePrefix)}-`)) continue;
        return `presets.${name}.inputs.${parameter} names the bucket "${bucket}", which this deployment may not read: give it as one of furtherInputBuckets.`;
      }
  return undefined;
}

/** All environment variables of a function have 4 KB together. */
const MOST_PREFIX_BYTES = 500;

function inputPrefixesError({
  inputPrefixes: given,
  inputBucket,
  furtherInputBuckets = [],
  presets = {},
}: WiroGenerationsProps): string | undefined {
  if (given !== undefined && !Array.isArray(given))
    return 'inputPrefixes: give a list, for example ["inputs/"].';
  if (given?.length === 0)
    return 'inputPrefixes is empty: leave it out to allow every object, or give at least one, for example ["inputs/"].';
  const inputPrefixes = given ?? [];
  if (JSON.stringify(inputPrefixes).length > MOST_PREFIX_BYTES)
    return `inputPrefixes have more than ${MOST_PREFIX_BYTES} bytes as JSON: give fewer, or shorter ones.`;
  const own = inputBucket?.bucketName ?? OUR_OWN;
  const known = [own, ...furtherInputBuckets.map(({ bucketName }) => bucketName)];
  for (const text of inputPrefixes) {
    const error = formError('inputPrefixes', text, INPUT_PREFIX);
    if (error !== undefined) return error;
    const [bucket = ''] = parseInputPrefixes([text], own).keys();
    if (!known.includes(bucket) && ![bucket, ...known].some((name) => Token.isUnresolved(name)))
      return `inputPrefixes names the bucket "${bucket}", which this deployment may not read: give it as one of furtherInputBuckets, or name a prefix of the input bucket without "s3://".`;
  }
  const prefixes = parseInputPrefixes(inputPrefixes, own);
  for (const [name, { inputs = {} }] of Object.entries(presets))
    for (const [parameter, source] of Object.entries(inputs))
      for (const text of [source].flat()) {
        const [isObject, bucket = own, key = text] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(text) ?? [];
        if (isObject === undefined && text.includes('://')) continue;
        const allowed = prefixes.get(bucket);
        if (allowed !== undefined && !isUnder(key, allowed))
          return `presets.${name}.inputs.${parameter} names an object outside of inputPrefixes: add its prefix.`;
      }
  return undefined;
}

/** Stands for the name of the input bucket that is made here. */
const OUR_OWN = '';

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
    if (durations?.[name] !== undefined) return `${name} is given twice: leave it out of durations.`;
    if (given.toMilliseconds() < MINUTE_MS)
      return `${name} is ${said(given)}: give at least a minute, nobody looks more often.`;
  }
  return undefined;
}

/** As the functions will read them. */
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
  const retentionMs = retention.toMilliseconds();
  if (retentionMs < DAY_MS || retentionMs % DAY_MS !== 0)
    return `retention is ${said(retention)}: S3 counts whole days, give Duration.days(1) or more.`;
  const { deadline = Duration.millis(effectiveDurations(props).deadline) } = props;
  if (retentionMs < deadline.toMilliseconds())
    return `retention is ${said(retention)}, shorter than the deadline of ${said(deadline)}: inputs would go before their generation has run. Give a longer retention or a shorter deadline.`;
  if (inputBucket && outputBucket)
    return 'retention has no bucket to work on: inputBucket and outputBucket are given, whose lifecycle rules are your own. Leave retention out, and give them rules.';
  if (inputBucket) return undefined;
  for (const [name, { inputs = {} }] of Object.entries(presets))
    for (const [parameter, source] of Object.entries(inputs))
      if ([source].flat().some((text) => !text.includes('://')))
        return `presets.${name}.inputs.${parameter} is a key of the input bucket, where everything goes after the retention: put it into one of furtherInputBuckets and name it as s3://bucket/key.`;
  return undefined;
}

/** An origin, as a browser sends it. */
const ORIGIN: Form = {
  pattern: /^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?$/,
  remedy: 'give an origin without a path, such as https://app.example.com',
};

function uploadsError(props: WiroGenerationsProps): string | undefined {
  const { uploadRetention, uploadOrigins = [], inputBucket } = props;
  for (const origin of uploadOrigins) {
    const error = formError('uploadOrigins', origin, ORIGIN);
    if (error !== undefined) return error;
  }
  const name = uploadRetention ? 'uploadRetention' : uploadOrigins.length > 0 ? 'uploadOrigins' : undefined;
  if (inputBucket && name !== undefined)
    return `${name} has no bucket to work on, because inputBucket is given: leave it out, and add the lifecycle and CORS rules to that bucket.`;
  if (uploadRetention === undefined) return undefined;
  const retentionMs = uploadRetention.toMilliseconds();
  if (retentionMs < DAY_MS || retentionMs % DAY_MS !== 0)
    return `uploadRetention is ${said(uploadRetention)}: S3 counts whole days, give Duration.days(1) or more.`;
  const { maximumWait = Duration.millis(effectiveDurations(props).maximumWait) } = props;
  if (retentionMs < maximumWait.toMilliseconds())
    return `uploadRetention is ${said(uploadRetention)}, shorter than the maximumWait of ${said(maximumWait)}: uploads would expire while their generations wait. Give a longer uploadRetention or a shorter maximumWait.`;
  return undefined;
}

const said = (duration: Duration) => duration.toHumanString();
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

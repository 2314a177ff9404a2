import type { FunctionName } from '../functions/functions.ts';
import type { Presets } from '../functions/request/preset.ts';
import {
  type Durations,
  ENV,
  FURTHER_MODEL_KINDS,
  type FurtherModelKind,
  INPUT_HANDOVERS,
  type InputHandover,
  MOST_AT_ONCE,
  MOST_COLLECTS,
  readDurations,
} from '../functions/settings.ts';
import { checkPresets } from './checks/check-presets.ts';
import {
  apiUrlError,
  DEPLOYMENT,
  type Form,
  formError,
  INPUT_PREFIX,
  OUTPUT_HOST,
  PARAMETER_PATH,
  urlError,
  withoutSlashAtEnd,
} from './checks/form.ts';
import type { ObservabilityLevel } from './observability/observability.ts';

/** A `-c name=value` that cannot be used. Its message names the setting and the remedy. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** Everything that `cdk … -c name=value` can set. */
export interface StackSettings {
  readonly stackName: string;
  readonly deployment: string;
  /** What the names of the input bucket and the bus begin with. */
  readonly namePrefix?: string;
  readonly parameterPath: string;
  /** Buckets and table go with the stack, and Wiro may be a simulator: plain http, ports. */
  readonly test: boolean;
  readonly furtherInputBuckets: readonly string[];
  /** Where requests may name inputs. */
  readonly inputPrefixes?: readonly string[];
  /** A secret of Secrets Manager, by its name or ARN, that holds the credentials instead of parameters. */
  readonly secret?: string;
  /** Names of resources that exist already and are used instead of new ones. */
  readonly inputBucket?: string;
  readonly outputBucket?: string;
  readonly table?: string;
  readonly eventBus?: string;
  readonly retentionDays?: number;
  readonly deadlineMinutes?: number;
  readonly maximumWaitHours?: number;
  readonly maximumConcurrency?: number;
  readonly maximumCollects?: number;
  /** Concurrency that a function has to itself. */
  readonly reservedConcurrency?: Partial<Readonly<Record<FunctionName, number>>>;
  readonly maximumGenerationsPerDay?: number;
  readonly inputHandover?: InputHandover;
  readonly furtherModelKinds?: readonly FurtherModelKind[];
  readonly observability?: ObservabilityLevel;
  /** ARN of the SNS topic that alarms are told to. */
  readonly alarmTopic?: string;
  readonly callbackBaseUrl?: string;
  readonly wiroApiUrl?: string;
  readonly wiroSocketUrl?: string;
  readonly wiroOutputHosts?: readonly string[];
  readonly presets?: Presets;
  readonly durations?: Partial<Durations>;
  readonly durationDivisor?: number;
}

/**
 * Reads and checks the settings.
 * @param context - Answers what was given for a name, `undefined` for nothing: CDK's `node.tryGetContext`.
 * @throws {SettingError}
 */
export function readStackSettings(context: (name: string) => unknown): StackSettings {
  const given = (name: string): string | undefined => {
    const value = context(name);
    if (value === undefined || value === '') return undefined;
    // cdk.json may hold numbers, booleans and objects where the command line has text.
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  const stackName = matching('stackName', given('stackName') ?? 'WiroServerless', STACK_NAME);
  const deployment = matching('deployment', given('deployment') ?? stackName, NAMED_DEPLOYMENT);
  const parameterPath = matching(
    'parameterPath',
    given('parameterPath') ?? `/wiro/${stackName}`,
    PARAMETER_PATH,
  );
  const test = readTest(given('test'));
  const optionalMatching = (name: string, form: Form) => {
    const value = given(name);
    return value === undefined ? undefined : matching(name, value, form);
  };
  const count = (name: string) => readCount(name, given(name));
  const optional = {
    namePrefix: optionalMatching('namePrefix', DEPLOYMENT),
    secret: optionalMatching('secret', SECRET),
    inputPrefixes: readInputPrefixes(given('inputPrefixes')),
    inputBucket: optionalMatching('inputBucket', BUCKET),
    outputBucket: optionalMatching('outputBucket', BUCKET),
    table: optionalMatching('table', TABLE),
    eventBus: optionalMatching('eventBus', EVENT_BUS),
    retentionDays: count('retentionDays'),
    deadlineMinutes: count('deadlineMinutes'),
    maximumWaitHours: count('maximumWaitHours'),
    maximumConcurrency: readCount('maximumConcurrency', given('maximumConcurrency'), MOST_AT_ONCE),
    maximumCollects: readCount('maximumCollects', given('maximumCollects'), MOST_COLLECTS),
    reservedConcurrency: readReservedConcurrency(given('reservedConcurrency')),
    maximumGenerationsPerDay: count('maximumGenerationsPerDay'),
    inputHandover: readOneOf('inputHandover', given('inputHandover'), INPUT_HANDOVERS),
    furtherModelKinds: readFurtherModelKinds(given('furtherModelKinds')),
    observability: readOneOf('observability', given('observability'), ['none', 'standard', 'full']),
    alarmTopic: optionalMatching('alarmTopic', TOPIC),
    callbackBaseUrl: readUrl('callbackBaseUrl', given('callbackBaseUrl'), ['https:', 'http:'], test),
    wiroApiUrl: readUrl('wiroApiUrl', given('wiroApiUrl'), ['https:', 'http:'], test, apiUrlError),
    wiroSocketUrl: readUrl('wiroSocketUrl', given('wiroSocketUrl'), ['wss:', 'ws:'], test),
    wiroOutputHosts: readOutputHosts(given('wiroOutputHosts'), test),
    presets: readPresets(given('presets')),
    ...readDurationSettings(given('durations'), given('durationDivisor')),
  };
  return {
    stackName,
    deployment,
    parameterPath,
    test,
    furtherInputBuckets: list(given('furtherInputBuckets')).map((name) =>
      matching('furtherInputBuckets', name, BUCKETS),
    ),
    ...(Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined),
    ) as Partial<StackSettings>),
  };
}

const STACK_NAME: Form = {
  pattern: /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
  remedy: 'use letters, digits and "-", a letter first, at most 128',
};
const TOPIC: Form = {
  pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
  remedy: 'give the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>',
};
const NAMED_DEPLOYMENT: Form = {
  ...DEPLOYMENT,
  remedy: `${DEPLOYMENT.remedy} (-c deployment=… names it; without it the name of the stack counts)`,
};
const BUCKET: Form = {
  pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  remedy: 'give the name of a bucket',
};
const BUCKETS: Form = { ...BUCKET, remedy: 'give names of buckets, separated by commas' };
const TABLE: Form = { pattern: /^[A-Za-z0-9_.-]{3,255}$/, remedy: 'give the name of a DynamoDB table' };
const EVENT_BUS: Form = {
  pattern: /^[A-Za-z0-9_./-]{1,256}$/,
  remedy: 'give the name of an event bus, for example default',
};
const SECRET: Form = {
  pattern:
    /^(?:arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}|[\w/+=.@-]{1,512})$/,
  remedy: 'give the name or the whole ARN of a secret in Secrets Manager',
};

function matching(name: string, value: string, form: Form): string {
  refuse(formError(name, value, form));
  return value;
}

function refuse(sentence: string | undefined): void {
  if (sentence !== undefined) throw new SettingError(sentence);
}

function readCount(name: string, value: string | undefined, most?: number): number | undefined {
  if (value === undefined) return undefined;
  const to = most === undefined ? '' : ` to ${most}`;
  const remedy = `give a whole number from 1${to}`;
  const count = Number(matching(name, value, { pattern: /^[1-9]\d{0,8}$/, remedy }));
  if (most !== undefined && count > most) throw new SettingError(`${name} is "${value}": ${remedy}.`);
  return count;
}

function readOneOf<Word extends string>(
  name: string,
  value: string | undefined,
  words: readonly Word[],
): Word | undefined {
  const word = words.find((one) => one === value);
  if (value !== undefined && word === undefined)
    throw new SettingError(`${name} is "${value}": give one of ${words.join(', ')}.`);
  return word;
}

function readFurtherModelKinds(value: string | undefined): readonly FurtherModelKind[] | undefined {
  if (value === undefined) return undefined;
  return list(value).flatMap((kind) => readOneOf('furtherModelKinds', kind, FURTHER_MODEL_KINDS) ?? []);
}

function readTest(value: string | undefined): boolean {
  if (value !== undefined && value !== 'true' && value !== 'false')
    throw new SettingError(`test is "${value}": give -c test=true or leave it out.`);
  return value === 'true';
}

/** @param protocols - The secure one, then the one that a test may use. */
function readUrl(
  name: string,
  value: string | undefined,
  protocols: readonly [string, string],
  test: boolean,
  error = urlError,
): string | undefined {
  if (value === undefined) return undefined;
  refuse(error(name, value, protocols));
  const [secure, plain] = protocols;
  if (value.startsWith(plain) && !test)
    throw new SettingError(
      `${name} is "${value}": give one that begins with ${secure}// (${plain}// needs -c test=true).`,
    );
  return withoutSlashAtEnd(value);
}

function readOutputHosts(value: string | undefined, test: boolean): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const hosts = list(value);
  for (const host of hosts) {
    matching('wiroOutputHosts', host, OUTPUT_HOST);
    // A port also allows plain http and addresses of the machine itself.
    if (host.includes(':') && !test)
      throw new SettingError(
        `wiroOutputHosts is "${host}": leave out the port (a port, for a simulator, needs -c test=true).`,
      );
  }
  return hosts;
}

function readReservedConcurrency(text: string | undefined): StackSettings['reservedConcurrency'] {
  if (text === undefined) return undefined;
  try {
    // What it holds is checked by the construct.
    return JSON.parse(text) as StackSettings['reservedConcurrency'];
  } catch {
    throw new SettingError(
      `reservedConcurrency is "${text}": give numbers by function as JSON, for example {"callback": 20}.`,
    );
  }
}

function readInputPrefixes(value: string | undefined): readonly string[] | undefined {
  return value === undefined
    ? undefined
    : list(value).map((prefix) => matching('inputPrefixes', prefix, INPUT_PREFIX));
}

function readPresets(text: string | undefined): Presets | undefined {
  if (text === undefined) return undefined;
  try {
    return checkPresets(JSON.parse(text));
  } catch (error) {
    throw new SettingError(
      `presets: ${error instanceof Error ? error.message : error} ` +
        'Give for example {"portraits": {"model": "owner/project", "parameters": {"prompt": "…"}, "fileParameter": "inputImage"}}, best in cdk.json.',
    );
  }
}

function readDurationSettings(
  durations: string | undefined,
  durationDivisor: string | undefined,
): Pick<StackSettings, 'durations' | 'durationDivisor'> {
  try {
    // The functions' own reading: what it accepts works when deployed.
    readDurations({
      ...(durations !== undefined && { [ENV.durations]: durations }),
      ...(durationDivisor !== undefined && { [ENV.durationDivisor]: durationDivisor }),
    });
  } catch (error) {
    throw new SettingError(
      `durations or durationDivisor: ${error instanceof Error ? error.message : error}. ` +
        `Give for example -c durations='{"deadline":3600000}'; the names are in functions/settings.ts.`,
    );
  }
  return {
    ...(durations !== undefined && { durations: JSON.parse(durations) as Partial<Durations> }),
    ...(durationDivisor !== undefined && { durationDivisor: Number(durationDivisor) }),
  };
}

const list = (value: string | undefined): readonly string[] =>
  (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

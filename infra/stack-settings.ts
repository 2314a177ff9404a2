import type { FunctionName } from '../functions/functions.ts';
import type { Presets } from '../functions/request/preset.ts';
import type { Durations, FurtherModelKind, InputHandover } from '../functions/settings.ts';
import { type Form, formError, PARAMETER_PATH } from './checks/form.ts';
import type { ObservabilityLevel } from './observability/observability.ts';

/** A `-c name=value` that cannot be used. Its message names the setting and the remedy. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** Everything that `cdk … -c name=value` can set. */
export interface StackSettings {
  readonly stackName: string;
  readonly deployment?: string;
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
  readonly uploadRetentionDays?: number;
  /** Origins of web pages that may upload to presigned links. */
  readonly uploadOrigins?: readonly string[];
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
 * Turns the text of the settings into what they are: numbers, lists, objects, names. What `WiroGenerations` checks, it
 * checks for every app; here is only what text alone can be, or what `-c` alone can say.
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
  const read = <Value>(name: string, as: (name: string, text: string) => Value): Value | undefined => {
    const text = given(name);
    return text === undefined ? undefined : as(name, text);
  };
  const stackName = read('stackName', matching(STACK_NAME)) ?? 'WiroServerless';
  const test = read('test', asBoolean) ?? false;
  const optional = {
    deployment: given('deployment'),
    namePrefix: given('namePrefix'),
    secret: read('secret', matching(SECRET)),
    inputPrefixes: read('inputPrefixes', asList),
    inputBucket: read('inputBucket', matching(BUCKET)),
    outputBucket: read('outputBucket', matching(BUCKET)),
    table: read('table', matching(TABLE)),
    eventBus: read('eventBus', matching(EVENT_BUS)),
    retentionDays: read('retentionDays', asCount),
    deadlineMinutes: read('deadlineMinutes', asCount),
    maximumWaitHours: read('maximumWaitHours', asCount),
    uploadRetentionDays: read('uploadRetentionDays', asCount),
    uploadOrigins: read('uploadOrigins', asList),
    maximumConcurrency: read('maximumConcurrency', asCount),
    maximumCollects: read('maximumCollects', asCount),
    reservedConcurrency: read('reservedConcurrency', asObject('numbers by function', '{"callback": 20}')),
    maximumGenerationsPerDay: read('maximumGenerationsPerDay', asCount),
    inputHandover: given('inputHandover') as InputHandover | undefined,
    furtherModelKinds: read('furtherModelKinds', asList) as readonly FurtherModelKind[] | undefined,
    observability: given('observability') as ObservabilityLevel | undefined,
    alarmTopic: read('alarmTopic', matching(TOPIC)),
    callbackBaseUrl: read('callbackBaseUrl', urlFor(test)),
    wiroApiUrl: read('wiroApiUrl', urlFor(test)),
    wiroSocketUrl: read('wiroSocketUrl', urlFor(test)),
    wiroOutputHosts: read('wiroOutputHosts', hostsFor(test)),
    presets: read('presets', asObject('presets by name', PRESETS)),
    durations: read('durations', asObject('milliseconds by name', '{"deadline": 3600000}')),
    durationDivisor: read('durationDivisor', asNumber),
  };
  return {
    stackName,
    parameterPath: read('parameterPath', matching(PARAMETER_PATH)) ?? `/wiro/${stackName}`,
    test,
    furtherInputBuckets: (read('furtherInputBuckets', asList) ?? []).map((name) =>
      matching(BUCKETS)('furtherInputBuckets', name),
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

const PRESETS =
  '{"portraits": {"model": "owner/project", "parameters": {"prompt": "…"}, "fileParameter": "inputImage"}}';

const matching =
  (form: Form) =>
  (name: string, text: string): string => {
    const error = formError(name, text, form);
    if (error !== undefined) throw new SettingError(error);
    return text;
  };

function asBoolean(name: string, text: string): boolean {
  if (text !== 'true' && text !== 'false')
    throw new SettingError(`${name} is "${text}": give -c ${name}=true or leave it out.`);
  return text === 'true';
}

const COUNT: Form = { pattern: /^[1-9]\d{0,8}$/, remedy: 'give a whole number from 1' };
const asCount = (name: string, text: string): number => Number(matching(COUNT)(name, text));

const NUMBER: Form = { pattern: /^\d+(?:\.\d+)?$/, remedy: 'give a number from 1' };
const asNumber = (name: string, text: string): number => Number(matching(NUMBER)(name, text));

const asList = (_: string, text: string): readonly string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** What is in the object is checked by the construct. */
const asObject =
  (what: string, example: string) =>
  (name: string, text: string): unknown => {
    const remedy = `give ${what} as JSON, for example ${example}, best in cdk.json.`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new SettingError(`${name}: ${(error as SyntaxError).message}: ${remedy}`);
    }
    if (typeof value !== 'object' || value === null)
      throw new SettingError(`${name} is "${text}": ${remedy}`);
    return value;
  };

/** Plain http is for simulators: a stack says that it is a test. */
const urlFor =
  (test: boolean) =>
  (name: string, text: string): string => {
    const [, plain] = /^(http|ws):/.exec(text) ?? [];
    if (plain !== undefined && !test)
      throw new SettingError(
        `${name} is "${text}": give one that begins with ${plain}s:// (${plain}:// needs -c test=true).`,
      );
    return text;
  };

/** A port also allows plain http and addresses of the machine itself. */
const hostsFor =
  (test: boolean) =>
  (name: string, text: string): readonly string[] => {
    const hosts = asList(name, text);
    const withPort = hosts.find((host) => /:\d+$/.test(host));
    if (withPort !== undefined && !test)
      throw new SettingError(
        `${name} is "${withPort}": leave out the port (a port, for a simulator, needs -c test=true).`,
      );
    return hosts;
  };

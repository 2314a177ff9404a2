import type { FunctionName } from '../functions/functions.ts';
import type { Presets } from '../functions/request/preset.ts';
import type {
  DueShards,
  Durations,
  FurtherModelKind,
  InputHandover,
  UnknownParameters,
} from '../functions/settings.ts';
import { type Form, formError, PARAMETER_PATH } from './checks/form.ts';
import type { ObservabilityLevel } from './observability/observability.ts';

/** An invalid `-c name=value`. The message names the setting and the remedy. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** The settings that `cdk … -c name=value` accepts. */
export interface StackSettings {
  readonly stackName: string;
  readonly deployment?: string;
  /** The beginning of the names of the input bucket and the bus. */
  readonly namePrefix?: string;
  readonly parameterPath: string;
  /** Deletes buckets and table with the stack, and allows a simulator with plain http and ports. */
  readonly test: boolean;
  readonly furtherInputBuckets: readonly string[];
  /** The prefixes under which requests may name inputs. */
  readonly inputPrefixes?: readonly string[];
  /** The name or ARN of a secret in Secrets Manager that contains the credentials instead of parameters. */
  readonly secret?: string;
  /** The names of existing resources to use instead of new ones. */
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
  readonly dueShards?: DueShards;
  /** Concurrency to reserve for functions. */
  readonly reservedConcurrency?: Partial<Readonly<Record<FunctionName, number>>>;
  readonly maximumGenerationsPerDay?: number;
  readonly timeZone?: string;
  readonly inputHandover?: InputHandover;
  readonly furtherModelKinds?: readonly FurtherModelKind[];
  readonly models?: readonly string[];
  readonly unknownParameters?: UnknownParameters;
  readonly usageLabels?: readonly string[];
  readonly observability?: ObservabilityLevel;
  /** The ARN of the SNS topic that alarms notify. */
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
 * Converts the settings' text to numbers, lists, objects and names. Only checks what `WiroGenerations` cannot check: the
 * form of the text, and settings that the construct does not have.
 * @param context - Returns the value for a name, or `undefined`: CDK's `node.tryGetContext`.
 * @throws {SettingError}
 */
export function readStackSettings(context: (name: string) => unknown): StackSettings {
  const given = (name: string): string | undefined => {
    const value = context(name);
    if (value === undefined || value === '') return undefined;
    // cdk.json may contain numbers, booleans and objects. The command line only has text.
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
    dueShards: read('dueShards', asCount) as DueShards | undefined,
    reservedConcurrency: read('reservedConcurrency', asObject('numbers by function', '{"callback": 20}')),
    maximumGenerationsPerDay: read('maximumGenerationsPerDay', asCount),
    timeZone: given('timeZone'),
    inputHandover: given('inputHandover') as InputHandover | undefined,
    models: read('models', asList),
    unknownParameters: given('unknownParameters') as UnknownParameters | undefined,
    usageLabels: read('usageLabels', asList),
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
  remedy: 'use at most 128 letters, digits and "-", and begin with a letter',
};
const TOPIC: Form = {
  pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
  remedy: 'use the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>',
};
const BUCKET: Form = {
  pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  remedy: 'use the name of a bucket',
};
const BUCKETS: Form = { ...BUCKET, remedy: 'use names of buckets, separated by commas' };
const TABLE: Form = { pattern: /^[A-Za-z0-9_.-]{3,255}$/, remedy: 'use the name of a DynamoDB table' };
const EVENT_BUS: Form = {
  pattern: /^[A-Za-z0-9_./-]{1,256}$/,
  remedy: 'use the name of an event bus, for example default',
};
const SECRET: Form = {
  pattern:
    /^(?:arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}|[\w/+=.@-]{1,512})$/,
  remedy: 'use the name or the complete ARN of a secret in Secrets Manager',
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
    throw new SettingError(`${name} is "${text}": use -c ${name}=true or omit it.`);
  return text === 'true';
}

const COUNT: Form = { pattern: /^[1-9]\d{0,8}$/, remedy: 'use a whole number from 1' };
const asCount = (name: string, text: string): number => Number(matching(COUNT)(name, text));

const NUMBER: Form = { pattern: /^\d+(?:\.\d+)?$/, remedy: 'use a number from 1' };
const asNumber = (name: string, text: string): number => Number(matching(NUMBER)(name, text));

const asList = (_: string, text: string): readonly string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** Only parses the object. The construct checks its content. */
const asObject =
  (content: string, example: string) =>
  (name: string, text: string): unknown => {
    const remedy = `use ${content} as JSON, for example ${example}, preferably in cdk.json.`;
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

/** Only a test stack may use plain http, which is for simulators. */
const urlFor =
  (test: boolean) =>
  (name: string, text: string): string => {
    const [, plain] = /^(http|ws):/.exec(text) ?? [];
    if (plain !== undefined && !test)
      throw new SettingError(
        `${name} is "${text}": use a URL that begins with ${plain}s:// (${plain}:// needs -c test=true).`,
      );
    return text;
  };

/** Only a test stack may name ports, which also allow plain http and addresses of the machine itself. */
const hostsFor =
  (test: boolean) =>
  (name: string, text: string): readonly string[] => {
    const hosts = asList(name, text);
    const withPort = hosts.find((host) => /:\d+$/.test(host));
    if (withPort !== undefined && !test)
      throw new SettingError(
        `${name} is "${withPort}": omit the port (a port, for a simulator, needs -c test=true).`,
      );
    return hosts;
  };

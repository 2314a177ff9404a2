import type { Presets } from '../functions/generation/preset.ts';
import { type Durations, ENV, readDurations } from '../functions/settings.ts';
import { checkPresets } from './check-presets.ts';

/** A `-c name=value` that cannot be used. Its message names the setting and the remedy. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** Everything that `cdk … -c name=value` can set. */
export interface StackSettings {
  readonly stackName: string;
  readonly deployment: string;
  readonly parameterPath: string;
  /** Buckets and table go with the stack, and Wiro may be a simulator: plain http, ports. */
  readonly test: boolean;
  readonly furtherInputBuckets: readonly string[];
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
  const deployment = matching('deployment', given('deployment') ?? stackName, DEPLOYMENT);
  const parameterPath = matching('parameterPath', given('parameterPath') ?? `/wiro/${stackName}`, PATH);
  const test = readTest(given('test'));
  const optional = {
    callbackBaseUrl: readUrl('callbackBaseUrl', given('callbackBaseUrl'), ['https:', 'http:'], test),
    wiroApiUrl: readApiUrl(given('wiroApiUrl'), test),
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
      matching('furtherInputBuckets', name, BUCKET),
    ),
    ...(Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined),
    ) as Partial<StackSettings>),
  };
}

interface Form {
  readonly pattern: RegExp;
  readonly remedy: string;
}

const STACK_NAME: Form = {
  pattern: /^[A-Za-z][A-Za-z0-9-]{0,127}$/,
  remedy: 'use letters, digits and "-", a letter first, at most 128',
};
const DEPLOYMENT: Form = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/,
  remedy:
    'use letters, digits and "-", at most 64 (-c deployment=… names it; without it the name of the stack counts)',
};
const PATH: Form = {
  pattern: /^(?!\/(?:aws|ssm)(?:\/|$))(?:\/[A-Za-z0-9_.-]+)+$/i,
  remedy: 'begin with "/" and not with "/aws" or "/ssm", end without "/", for example /wiro/my-stack',
};
const BUCKET: Form = {
  pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  remedy: 'give names of buckets, separated by commas',
};

function matching(name: string, value: string, { pattern, remedy }: Form): string {
  if (!pattern.test(value)) throw new SettingError(`${name} is "${value}": ${remedy}.`);
  return value;
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
  [secure, plain]: readonly [string, string],
  test: boolean,
): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== secure && url.protocol !== plain))
    throw new SettingError(`${name} is "${value}": give a URL that begins with ${secure}//.`);
  if (url.protocol === plain && !test)
    throw new SettingError(
      `${name} is "${value}": give one that begins with ${secure}// (${plain}// needs -c test=true).`,
    );
  if (url.username || url.password || url.search || url.hash)
    throw new SettingError(`${name}: leave out user, password, "?" and "#".`);
  return value.replace(/\/+$/, '');
}

function readApiUrl(value: string | undefined, test: boolean): string | undefined {
  const url = readUrl('wiroApiUrl', value, ['https:', 'http:'], test);
  if (url !== undefined && !url.endsWith('/v1'))
    throw new SettingError(
      `wiroApiUrl is "${value}": it must end in /v1, for example https://api.wiro.ai/v1.`,
    );
  return url;
}

function readOutputHosts(value: string | undefined, test: boolean): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const hosts = list(value);
  for (const host of hosts) {
    if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$/i.test(host))
      throw new SettingError(
        `wiroOutputHosts has "${host}": give hosts separated by commas, for example wiro.ai.`,
      );
    // A port also allows plain http and addresses of the machine itself.
    if (host.includes(':') && !test)
      throw new SettingError(
        `wiroOutputHosts has "${host}": leave out the port (a port, for a simulator, needs -c test=true).`,
      );
  }
  return hosts;
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

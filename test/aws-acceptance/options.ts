import { parseArgs } from 'node:util';
import { SetupError } from '../../local/setup-error.ts';

export const USAGE = `npm run test:aws [-- options]

Deploys the stack to the AWS that the environment points to (AWS_REGION, credentials or AWS_PROFILE; an emulator by
AWS_ENDPOINT_URL), runs generations through it, prints a table, and takes everything down again.

  --wiro-url URL            a Wiro that the stack can reach, such as https://api.wiro.ai/v1: what runs there is
                            charged (a few cents). Needs WIRO_API_KEY, and WIRO_API_SECRET unless the project is
                            key-only; WIRO_SOCKET_URL and WIRO_OUTPUT_HOSTS where they are not Wiro's own.
                            Without it the simulator is started here: that needs an emulator on this machine.
  --stack NAME              the stack (WiroAcceptance and a random end)
  --function-urls WHERE     "direct": by their own names; "endpoint": sent to AWS_ENDPOINT_URL with their name as
                            Host, for names that do not resolve (with an emulator: endpoint; else direct)
  --reconcile HOW           "schedule": the stack's own; "invoke": this program invokes reconcile every few seconds,
                            where the endpoint runs no schedules (schedule)
  --only TEXT               only flows whose name has TEXT in it; may be repeated
  --patience SECONDS        how long one flow may take (300)
  --keep                    leaves the stack and its secrets as they are
`;

export interface Options {
  readonly stackName: string;
  /** @default - the simulator, started here */
  readonly wiro: WiroOutside | undefined;
  readonly functionUrls: 'direct' | 'endpoint';
  readonly reconcile: 'schedule' | 'invoke';
  readonly only: readonly string[];
  readonly patienceMs: number;
  readonly keep: boolean;
  /** An emulator. @default - AWS itself */
  readonly endpoint: string | undefined;
}

export interface WiroOutside {
  readonly apiUrl: string;
  readonly socketUrl: string | undefined;
  readonly outputHosts: string | undefined;
  readonly apiKey: string;
  readonly apiSecret: string | undefined;
}

/**
 * @param newName - Ends the stack's name.
 * @returns `undefined` if only help was requested.
 * @throws {SetupError} If the options cannot work.
 */
export function readOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  newName: () => string,
): Options | undefined {
  const given = parse(args);
  if (given.help) return undefined;
  const endpoint = env.AWS_ENDPOINT_URL || undefined;
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new SetupError(
      `AWS_ENDPOINT_URL is "${endpoint}": give a URL such as http://127.0.0.1:4566, or unset it.`,
    );
  const wiroUrl = given['wiro-url'];
  if (wiroUrl === undefined && endpoint === undefined)
    throw new SetupError(
      'A stack in a real account cannot reach a simulator on this machine: name a Wiro with --wiro-url (Wiro charges for tasks), or an emulator with AWS_ENDPOINT_URL.',
    );
  const functionUrls = oneOf('function-urls', given['function-urls'], ['direct', 'endpoint'] as const);
  if (functionUrls === 'endpoint' && endpoint === undefined)
    throw new SetupError('--function-urls endpoint needs AWS_ENDPOINT_URL.');
  const patience = Number(given.patience ?? '300');
  if (!(patience > 0))
    throw new SetupError(`--patience is "${given.patience}": give a number of seconds, such as 300.`);
  return {
    stackName: given.stack ?? `WiroAcceptance-${newName()}`,
    wiro: wiroUrl === undefined ? undefined : readWiro(wiroUrl, env),
    functionUrls: functionUrls ?? (endpoint === undefined ? 'direct' : 'endpoint'),
    reconcile: oneOf('reconcile', given.reconcile, ['schedule', 'invoke'] as const) ?? 'schedule',
    only: given.only ?? [],
    patienceMs: patience * 1000,
    keep: given.keep ?? false,
    endpoint,
  };
}

function parse(args: readonly string[]) {
  try {
    const options = {
      'wiro-url': { type: 'string' },
      stack: { type: 'string' },
      'function-urls': { type: 'string' },
      reconcile: { type: 'string' },
      only: { type: 'string', multiple: true },
      patience: { type: 'string' },
      keep: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('. ')[0]}: see npm run test:aws -- --help.`);
  }
}

function oneOf<Word extends string>(
  name: string,
  value: string | undefined,
  words: readonly Word[],
): Word | undefined {
  const word = words.find((known) => known === value);
  if (value !== undefined && word === undefined)
    throw new SetupError(`--${name} is "${value}": give ${words.join(' or ')}.`);
  return word;
}

function readWiro(given: string, env: NodeJS.ProcessEnv): WiroOutside {
  const apiUrl = given.replace(/\/+$/, '');
  if (!URL.canParse(apiUrl) || !apiUrl.endsWith('/v1'))
    throw new SetupError(
      `--wiro-url is "${given}": give a URL that ends in /v1, such as https://api.wiro.ai/v1.`,
    );
  if (!env.WIRO_API_KEY)
    throw new SetupError(
      '--wiro-url needs WIRO_API_KEY (and WIRO_API_SECRET, unless the project is key-only).',
    );
  return {
    apiUrl,
    socketUrl: env.WIRO_SOCKET_URL || undefined,
    outputHosts: env.WIRO_OUTPUT_HOSTS || undefined,
    apiKey: env.WIRO_API_KEY,
    apiSecret: env.WIRO_API_SECRET || undefined,
  };
}

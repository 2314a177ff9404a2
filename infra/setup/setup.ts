import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SSMClient } from '@aws-sdk/client-ssm';
import { IS_PACKAGED, SETUP } from '../construct/is-packaged.ts';
import { readStackSettings, SettingError } from '../stack-settings.ts';
import { askHidden } from './ask-hidden.ts';
import { endRotation, rotateCallbackSecret } from './rotate-callback-secret.ts';
import { type SecretName, SetupError, type StoredAs, storeSecrets } from './store-secrets.ts';

/** With room for options. */
const COMMAND = IS_PACKAGED ? SETUP : `${SETUP} --`;
const WHERE = '--stack NAME | --path /wiro/NAME';
const HELP = `${COMMAND} ${IS_PACKAGED ? `(${WHERE})` : `[${WHERE}]`} [--key-only | --rotate [--force]]

Stores the secrets of a deployment in AWS Systems Manager (Parameter Store), encrypted, before its first
"npx cdk deploy". The Wiro API key and secret come from WIRO_API_KEY and WIRO_API_SECRET or are asked for; the
secret that signs callbacks is made here. May be run again: what is stored stays, unless another value is given.

  --stack NAME   the stack the secrets are for${IS_PACKAGED ? '' : ' (WiroServerless)'}
  --path PATH    where they lie, if ${IS_PACKAGED ? 'the app says so: WiroCredentials.fromParameters({ path })' : 'the stack has another parameterPath'}
  --key-only     the Wiro project has a key and no secret
  --rotate       replaces the secret that signs callbacks, and nothing else; the one before stays accepted
  --force        rotates although tasks may still call back with the secret before the current one
`;

const NAMES: Readonly<Record<SecretName, string>> = {
  apiKey: 'Wiro API key',
  apiSecret: 'Wiro API secret',
  callbackSecret: 'callback secret',
};
const WORDS: Readonly<Record<StoredAs, string>> = {
  written: 'stored',
  kept: 'kept as it is',
  removed: 'removed',
  none: 'none (key-only project)',
};

interface Place {
  readonly path: string;
  /** What is run next: it must look there. */
  readonly deploy: string;
  readonly isKeyOnly: boolean;
  readonly isRotation: boolean;
  readonly isForced: boolean;
}

/** @returns `undefined` when help is all that was asked for. */
function readArguments(): Place | undefined {
  const options = parseOptions();
  const { help, stack, path, 'key-only': isKeyOnly = false } = options;
  const { rotate: isRotation = false, force: isForced = false } = options;
  if (help) return undefined;
  if (isForced && !isRotation) throw new SetupError('--force says something about --rotate alone: add it.');
  if (isKeyOnly && isRotation)
    throw new SetupError('--rotate changes the callback secret alone: leave out --key-only.');
  // The repository's stack has a name by default; in another app nobody would read what lies under it.
  if (IS_PACKAGED && !stack && !path)
    throw new SetupError(
      'Which stack? Give --stack and the name of yours, or --path where its credentials have one (WiroCredentials.fromParameters({ path })).',
    );
  // The stack's own reading: its defaults are ours, and what it refuses is refused before a secret lies there.
  const given: Readonly<Record<string, unknown>> = { stackName: stack, parameterPath: path };
  const { parameterPath } = readStackSettings((name) => given[name]);
  return { path: parameterPath, deploy: deployCommand(stack, path), isKeyOnly, isRotation, isForced };
}

function deployCommand(stack: string | undefined, path: string | undefined): string {
  // Another app names its stacks itself, and the path in its code.
  if (IS_PACKAGED) return stack ? `npx cdk deploy ${stack}` : 'npx cdk deploy';
  const flags = { stackName: stack, parameterPath: path };
  const given = Object.entries(flags).flatMap(([name, value]) => (value ? [` -c ${name}=${value}`] : []));
  return `npx cdk deploy${given.join('')}`;
}

function parseOptions() {
  try {
    const options = {
      stack: { type: 'string' },
      path: { type: 'string' },
      'key-only': { type: 'boolean' },
      rotate: { type: 'boolean' },
      force: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  }
}

/** Turns what the SDK says of a missing or refused account into what to do about it. */
function explain(error: unknown, path: string): string {
  if (error instanceof SetupError || error instanceof SettingError) return error.message;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (/Region is missing/i.test(message))
    return 'AWS needs a region: set AWS_REGION, for example AWS_REGION=eu-central-1.';
  if (name === 'CredentialsProviderError')
    return 'No AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
  if (/ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|TokenRefresh/.test(name))
    return `AWS does not accept these credentials (${name}): sign in again.`;
  if (name === 'AccessDeniedException')
    return `AWS refused: these credentials need ssm:GetParameters, ssm:PutParameter and ssm:DeleteParameter on parameter${path}/*.`;
  return `Cannot store the secrets under ${path}: ${message || name}`;
}

function connect() {
  const region = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION;
  return {
    ssm: new SSMClient(region ? { region } : {}),
    newSecret: () => randomBytes(32).toString('base64url'),
    clock: () => new Date(),
  };
}

async function setup({ path, deploy, isKeyOnly }: Place): Promise<void> {
  const aws = connect();
  const result = await storeSecrets(
    {
      ...aws,
      ask: process.stdin.isTTY
        ? async (question) => {
            const answer = await askHidden(question);
            if (answer === undefined) throw new SetupError('Stopped: nothing was stored.');
            return answer;
          }
        : undefined,
    },
    {
      path,
      apiKey: process.env.WIRO_API_KEY?.trim(),
      apiSecret: process.env.WIRO_API_SECRET?.trim(),
      isKeyOnly,
    },
  );
  console.log(`Under ${path}:`);
  for (const [name, word] of Object.entries(result) as [SecretName, StoredAs][])
    console.log(`  ${NAMES[name]}: ${WORDS[word]}`);
  if (await endRotation(aws, path)) console.log('  callback secret before the last rotation: removed');
  console.log(`\nNext: ${deploy}\n(once in each account and region before that: npx cdk bootstrap)`);
}

async function rotate({ path, isForced }: Place): Promise<void> {
  const comeUntil = await rotateCallbackSecret(connect(), { path, isForced });
  console.log(`Under ${path}: the callback secret is a new one, which the functions use within five minutes.

Callbacks signed with the one before stay accepted. They may come until ${comeUntil.toISOString()}
(later where the stack's deadline is longer than six hours); "${SETUP}" after that removes it.`);
}

let place: Place | undefined;
try {
  place = readArguments();
  if (place === undefined) process.stdout.write(HELP);
  else await (place.isRotation ? rotate(place) : setup(place));
} catch (error) {
  console.error(explain(error, place?.path ?? ''));
  process.exitCode = 1;
}

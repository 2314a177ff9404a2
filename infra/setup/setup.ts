import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SSMClient } from '@aws-sdk/client-ssm';
import { IS_PACKAGED, SETUP_COMMAND } from '../construct/is-packaged.ts';
import { readStackSettings, SettingError } from '../stack-settings.ts';
import { askHidden } from './ask-hidden.ts';
import { endRotation, rotateCallbackSecret } from './rotate-callback-secret.ts';
import { type SecretName, SetupError, type StoredAs, storeSecrets } from './store-secrets.ts';

/** The command, ready for options. */
const COMMAND = IS_PACKAGED ? SETUP_COMMAND : `${SETUP_COMMAND} --`;
const WHERE = '--stack NAME | --path /wiro/NAME';
const HELP = `${COMMAND} ${IS_PACKAGED ? `(${WHERE})` : `[${WHERE}]`} [--key-only | --rotate [--force]]

Stores the secrets of a deployment, encrypted, in AWS Systems Manager Parameter Store. Run it before the first
"npx cdk deploy". It reads the Wiro API key and secret from WIRO_API_KEY and WIRO_API_SECRET or asks for them, and
generates the secret that signs callbacks. You can run it again: it only replaces values that you give.

  --stack NAME   the stack that uses the secrets${IS_PACKAGED ? '' : ' (default: WiroServerless)'}
  --path PATH    the path of the parameters, if ${IS_PACKAGED ? 'the app sets one: WiroCredentials.fromParameters({ path })' : 'the stack has another parameterPath'}
  --key-only     the Wiro project has an API key and no secret
  --rotate       only replaces the secret that signs callbacks; the previous one stays valid for now
  --force        rotates even if tasks may still call back with the previous secret
`;

const NAMES: Readonly<Record<SecretName, string>> = {
  apiKey: 'Wiro API key',
  apiSecret: 'Wiro API secret',
  callbackSecret: 'callback secret',
};
const WORDS: Readonly<Record<StoredAs, string>> = {
  written: 'stored',
  kept: 'unchanged',
  removed: 'removed',
  none: 'none (key-only project)',
};

interface Arguments {
  readonly path: string;
  /** The command to deploy the stack that reads these secrets. */
  readonly deploy: string;
  readonly isKeyOnly: boolean;
  readonly isRotation: boolean;
  readonly isForced: boolean;
}

/** @returns `undefined` for `--help`. */
function readArguments(): Arguments | undefined {
  const options = parseOptions();
  const { help, stack, path, 'key-only': isKeyOnly = false } = options;
  const { rotate: isRotation = false, force: isForced = false } = options;
  if (help) return undefined;
  if (isForced && !isRotation) throw new SetupError('--force only works with --rotate: add --rotate.');
  if (isKeyOnly && isRotation)
    throw new SetupError('--rotate only replaces the callback secret: omit --key-only.');
  // Only the repository's own stack has a default name.
  if (IS_PACKAGED && !stack && !path)
    throw new SetupError(
      'The stack is missing: add --stack NAME, or --path PATH if the app sets one with WiroCredentials.fromParameters({ path }).',
    );
  // Uses the stack's own defaults and checks: a path that the stack would refuse is refused before a secret is stored.
  const given: Readonly<Record<string, unknown>> = { stackName: stack, parameterPath: path };
  const { parameterPath } = readStackSettings((name) => given[name]);
  return { path: parameterPath, deploy: deployCommand(stack, path), isKeyOnly, isRotation, isForced };
}

function deployCommand(stack: string | undefined, path: string | undefined): string {
  // Other apps set the stack's name and the path in code.
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

/** Describes an error and its remedy, also for missing or refused AWS credentials. */
function explain(error: unknown, path: string): string {
  if (error instanceof SetupError || error instanceof SettingError) return error.message;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (/Region is missing/i.test(message))
    return 'The AWS region is missing: set AWS_REGION, for example AWS_REGION=eu-central-1.';
  if (name === 'CredentialsProviderError')
    return 'Found no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
  if (/ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|TokenRefresh/.test(name))
    return `AWS rejected the credentials (${name}): sign in again.`;
  if (name === 'AccessDeniedException')
    return `AWS denied access: allow ssm:GetParameters, ssm:PutParameter and ssm:DeleteParameter on parameter${path}/*.`;
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

async function setup({ path, deploy, isKeyOnly }: Arguments): Promise<void> {
  const aws = connect();
  const result = await storeSecrets(
    {
      ...aws,
      ask: process.stdin.isTTY
        ? async (question) => {
            const answer = await askHidden(question);
            if (answer === undefined) throw new SetupError('Cancelled: nothing was stored.');
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
  if (await endRotation(aws, path)) console.log('  previous callback secret: removed');
  console.log(`\nNext: ${deploy}\n(before the first deployment in an account and region: npx cdk bootstrap)`);
}

async function rotate({ path, isForced }: Arguments): Promise<void> {
  const overlapEnd = await rotateCallbackSecret(connect(), { path, isForced });
  console.log(`Under ${path}: the callback secret is replaced. The functions use the new one within five minutes.

The previous secret stays valid. Callbacks signed with it may arrive until ${overlapEnd.toISOString()}
(later if the stack's deadline is longer than six hours). Run "${SETUP_COMMAND}" after that to remove it.`);
}

let args: Arguments | undefined;
try {
  args = readArguments();
  if (args === undefined) process.stdout.write(HELP);
  else await (args.isRotation ? rotate(args) : setup(args));
} catch (error) {
  console.error(explain(error, args?.path ?? ''));
  process.exitCode = 1;
}

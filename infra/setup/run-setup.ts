import { randomBytes } from 'node:crypto';
import { SSMClient } from '@aws-sdk/client-ssm';
import { IS_PACKAGED, SETUP_COMMAND } from '../construct/is-packaged.ts';
import { readStackSettings, SettingError } from '../stack-settings.ts';
import { askHidden } from './ask-hidden.ts';
import { endRotation, rotateCallbackSecret } from './rotate-callback-secret.ts';
import { type SecretName, SetupError, type StoredAs, storeSecrets } from './store-secrets.ts';

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

export interface SetupOptions {
  readonly stack?: string | undefined;
  /** The path of the parameters, if it is not the stack's. */
  readonly path?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  /** The Wiro project has no API secret. */
  readonly isKeyOnly: boolean;
  /** Only replaces the callback secret. */
  readonly isRotation: boolean;
  readonly isForced: boolean;
}

interface Arguments extends SetupOptions {
  readonly path: string;
  /** The command to deploy the stack that reads these secrets. */
  readonly deploy: string;
}

/**
 * Stores a deployment's secrets or rotates its callback secret, as the user asks.
 * @throws {SetupError} In a sentence that says what to do.
 */
export async function runSetup(options: SetupOptions): Promise<void> {
  let path = '';
  try {
    const args = checkOptions(options);
    path = args.path;
    await (args.isRotation ? rotate(args) : setup(args));
  } catch (error) {
    throw new SetupError(explain(error, path));
  }
}

function checkOptions(options: SetupOptions): Arguments {
  const { stack, path, isKeyOnly, isRotation, isForced } = options;
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
  return { ...options, path: parameterPath, deploy: deployCommand(stack, path) };
}

function deployCommand(stack: string | undefined, path: string | undefined): string {
  // Other apps set the stack's name and the path in code.
  if (IS_PACKAGED) return stack ? `npx cdk deploy ${stack}` : 'npx cdk deploy';
  const flags = { stackName: stack, parameterPath: path };
  const given = Object.entries(flags).flatMap(([name, value]) => (value ? [` -c ${name}=${value}`] : []));
  return `npx cdk deploy${given.join('')}`;
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

function connect({ profile, region = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION }: Arguments) {
  return {
    ssm: new SSMClient({ ...(region && { region }), ...(profile && { profile }) }),
    newSecret: () => randomBytes(32).toString('base64url'),
    clock: () => new Date(),
  };
}

async function setup(args: Arguments): Promise<void> {
  const { path, deploy, isKeyOnly } = args;
  const aws = connect(args);
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

async function rotate(args: Arguments): Promise<void> {
  const { path, isForced } = args;
  const overlapEnd = await rotateCallbackSecret(connect(args), { path, isForced });
  console.log(`Under ${path}: the callback secret is replaced. The functions use the new one within five minutes.

The previous secret stays valid. Callbacks signed with it may arrive until ${overlapEnd.toISOString()}
(later if the stack's deadline is longer than six hours). Run "${SETUP_COMMAND}" after that to remove it.`);
}

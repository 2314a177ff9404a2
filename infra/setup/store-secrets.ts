import {
  DeleteParameterCommand,
  GetParametersCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { PARAMETER } from '../../functions/settings.ts';

export interface StoreSecretsDeps {
  readonly ssm: Pick<SSMClient, 'send'>;
  /** Asks the user without echoing the answer. `undefined` if there is no terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly newSecret: () => string;
}

export interface StoreSecretsRequest {
  /** The path of the parameters, for example `/wiro/my-stack`. */
  readonly path: string;
  /** From the environment; an empty text counts as missing. */
  readonly apiKey?: string | undefined;
  readonly apiSecret?: string | undefined;
  /** The Wiro project has no API secret. A stored one is removed. */
  readonly isKeyOnly: boolean;
}

export type StoredAs = 'written' | 'kept' | 'removed' | 'none';
export type SecretName = 'apiKey' | 'apiSecret' | 'callbackSecret';

/** A problem that the user of the setup command can solve. The message names the remedy. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/**
 * Stores a deployment's secrets for its functions. Safe to repeat: it only replaces values that are given. It generates
 * the callback secret once, because the callback URLs of tasks under way are signed with it.
 * @returns What happened to each secret, never a value.
 * @throws {SetupError} If a required value is missing.
 */
export async function storeSecrets(
  { ssm, ask, newSecret }: StoreSecretsDeps,
  { path, apiKey, apiSecret, isKeyOnly }: StoreSecretsRequest,
): Promise<Readonly<Record<SecretName, StoredAs>>> {
  if (isKeyOnly && apiSecret)
    throw new SetupError(
      'WIRO_API_SECRET is set, but --key-only says that the project has no secret: remove one of the two.',
    );
  const nameOf = (secret: SecretName) => `${path}/${PARAMETER[secret]}`;
  const stored = await readNames(ssm, (['apiKey', 'apiSecret', 'callbackSecret'] as const).map(nameOf));
  const isStored = (secret: SecretName) => stored.has(nameOf(secret));

  const key = apiKey || (isStored('apiKey') ? undefined : await required(ask, 'apiKey'));
  // Key and secret are a pair: a new key makes the stored secret invalid.
  const secret = isKeyOnly
    ? undefined
    : apiSecret || (key === undefined ? undefined : await required(ask, 'apiSecret'));

  const result: Record<SecretName, StoredAs> = {
    apiKey: 'kept',
    apiSecret: isStored('apiSecret') ? 'kept' : 'none',
    callbackSecret: 'kept',
  };
  if (!isStored('callbackSecret'))
    result.callbackSecret = await putNew(ssm, nameOf('callbackSecret'), newSecret());
  // Writes the secret before the key. If the key then fails, the next run asks for both again or keeps the old key.
  if (secret !== undefined && secret !== '') {
    await put(ssm, nameOf('apiSecret'), secret);
    result.apiSecret = 'written';
  } else if (isStored('apiSecret') && (isKeyOnly || secret === '')) {
    await remove(ssm, nameOf('apiSecret'));
    result.apiSecret = 'removed';
  }
  if (key !== undefined) {
    await put(ssm, nameOf('apiKey'), key);
    result.apiKey = 'written';
  }
  return result;
}

const QUESTION = {
  apiKey: { text: 'Wiro API key: ', variable: 'WIRO_API_KEY', isOptional: false },
  apiSecret: {
    text: 'Wiro API secret (empty for a key-only project): ',
    variable: 'WIRO_API_SECRET',
    isOptional: true,
  },
} as const;

async function required(ask: StoreSecretsDeps['ask'], secret: keyof typeof QUESTION): Promise<string> {
  const { text, variable, isOptional } = QUESTION[secret];
  const orKeyOnly = isOptional ? ', or add --key-only for a project without a secret' : '';
  if (!ask)
    throw new SetupError(`${variable} is missing, and there is no terminal to ask on: set it${orKeyOnly}.`);
  const answer = (await ask(text)).trim();
  if (answer === '' && !isOptional)
    throw new SetupError(
      'The API key is empty: nothing was stored. Run the command again and enter the key.',
    );
  return answer;
}

async function readNames(
  ssm: StoreSecretsDeps['ssm'],
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  // Only the names matter, so nothing is decrypted.
  const { Parameters = [] } = await ssm.send(
    new GetParametersCommand({ Names: [...names], WithDecryption: false }),
  );
  return new Set(Parameters.flatMap(({ Name }) => Name ?? []));
}

async function put(ssm: StoreSecretsDeps['ssm'], Name: string, Value: string): Promise<void> {
  await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));
}

async function putNew(ssm: StoreSecretsDeps['ssm'], Name: string, Value: string): Promise<StoredAs> {
  try {
    await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: false }));
    return 'written';
  } catch (error) {
    // Another setup stored one first, or the response to our own attempt was lost. Either way a secret exists.
    if (error instanceof ParameterAlreadyExists) return 'kept';
    throw error;
  }
}

async function remove(ssm: StoreSecretsDeps['ssm'], Name: string): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name }));
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
  }
}

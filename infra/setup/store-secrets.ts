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
  /** Asks a person, without showing what is typed; `undefined` when nobody is there to ask. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly newSecret: () => string;
}

export interface StoreSecretsRequest {
  /** Parameters lie under it, for example `/wiro/my-stack`. */
  readonly path: string;
  /** From the environment. Empty is not given. */
  readonly apiKey?: string | undefined;
  readonly apiSecret?: string | undefined;
  /** The Wiro project has no secret; one that is stored is removed. */
  readonly isKeyOnly: boolean;
}

export type StoredAs = 'written' | 'kept' | 'removed' | 'none';
export type SecretName = 'apiKey' | 'apiSecret' | 'callbackSecret';

/** What is missing, in words for whoever runs the set-up. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/**
 * Puts a deployment's secrets where its functions read them. Safe to repeat: what is stored stays, unless another
 * value is given; the callback secret is made once, since tasks under way were given URLs signed with it.
 * @returns What became of each, never a value.
 * @throws {SetupError} When something is needed that nobody gave.
 */
export async function storeSecrets(
  { ssm, ask, newSecret }: StoreSecretsDeps,
  { path, apiKey, apiSecret, isKeyOnly }: StoreSecretsRequest,
): Promise<Readonly<Record<SecretName, StoredAs>>> {
  if (isKeyOnly && apiSecret)
    throw new SetupError(
      'WIRO_API_SECRET is set, and --key-only says that there is none: leave one of them out.',
    );
  const nameOf = (secret: SecretName) => `${path}/${PARAMETER[secret]}`;
  const stored = await readNames(ssm, (['apiKey', 'apiSecret', 'callbackSecret'] as const).map(nameOf));
  const isStored = (secret: SecretName) => stored.has(nameOf(secret));

  const key = apiKey || (isStored('apiKey') ? undefined : await required(ask, 'apiKey'));
  // Key and secret are a pair: with a new key, the stored secret says nothing.
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
  // The secret first: should the key fail after it, the next run asks for both again or keeps the old key.
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
  const orKeyOnly = isOptional ? ', or --key-only for a project without a secret' : '';
  if (!ask)
    throw new SetupError(`${variable} is not set, and there is no terminal to ask on: set it${orKeyOnly}.`);
  const answer = (await ask(text)).trim();
  if (answer === '' && !isOptional) throw new SetupError(`Nothing was typed: nothing was stored.`);
  return answer;
}

async function readNames(
  ssm: StoreSecretsDeps['ssm'],
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  // Not decrypted: whether there is one is all that counts.
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
    // Another set-up was faster, or the answer to our own try was lost: either way one stands.
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

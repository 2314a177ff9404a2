import { PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { storeSecrets } from '../../../infra/setup/store-secrets.ts';
import { type ParameterStore, startParameterStore } from '../../support/parameter-store.ts';

const PATH = '/wiro/Test';
const noTerminal = undefined;

let ssm: SSMClient;
let stored: ParameterStore['stored'];
beforeEach(async () => {
  ({ ssm, stored } = await startParameterStore(PATH));
});

/** A terminal that gives `answers` in order and records the questions. */
function terminal(...answers: string[]) {
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return answers.shift() ?? '';
  };
  return { ask, questions };
}

const secrets = () => {
  let made = 0;
  return () => `made-${++made}`;
};

describe('storing secrets', () => {
  it('stores the values from the environment and a new callback secret, all encrypted', async () => {
    const result = await storeSecrets(
      { ssm, ask: noTerminal, newSecret: secrets() },
      { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false },
    );

    expect(result).toEqual({ apiKey: 'written', apiSecret: 'written', callbackSecret: 'written' });
    expect(await stored()).toEqual({
      'api-key': 'SecureString key',
      'api-secret': 'SecureString secret',
      'callback-secret': 'SecureString made-1',
    });
  });

  it('asks once for values that the environment does not contain', async () => {
    const first = terminal(' key ', 'secret');
    const again = terminal();

    await storeSecrets({ ssm, ask: first.ask, newSecret: secrets() }, { path: PATH, isKeyOnly: false });
    const result = await storeSecrets(
      { ssm, ask: again.ask, newSecret: secrets() },
      { path: PATH, isKeyOnly: false },
    );

    expect(first.questions).toEqual(['Wiro API key: ', 'Wiro API secret (empty for a key-only project): ']);
    expect(again.questions).toEqual([]);
    expect(result).toEqual({ apiKey: 'kept', apiSecret: 'kept', callbackSecret: 'kept' });
    expect(await stored()).toMatchObject({
      'api-key': 'SecureString key',
      'api-secret': 'SecureString secret',
    });
  });

  it('never replaces the callback secret, which signs the URLs of tasks under way', async () => {
    const newSecret = secrets();
    const request = { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false };

    await storeSecrets({ ssm, ask: noTerminal, newSecret }, request);
    await storeSecrets({ ssm, ask: noTerminal, newSecret }, { ...request, apiKey: 'new-key' });

    expect(await stored()).toMatchObject({
      'api-key': 'SecureString new-key',
      'callback-secret': 'SecureString made-1',
    });
  });

  it('keeps the callback secret of a concurrent setup', async () => {
    const newSecret = () => 'ours';
    const theirs = new PutParameterCommand({
      Name: `${PATH}/callback-secret`,
      Value: 'theirs',
      Type: 'SecureString',
    });
    const ask = async () => {
      await ssm.send(theirs);
      return 'typed';
    };

    const { callbackSecret } = await storeSecrets(
      { ssm, ask, newSecret },
      { path: PATH, apiSecret: 'secret', isKeyOnly: false },
    );

    expect(callbackSecret).toBe('kept');
    expect(await stored()).toMatchObject({ 'callback-secret': 'SecureString theirs' });
  });

  it('accepts a project without a secret, and removes a stored one', async () => {
    const both = { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false };
    await storeSecrets({ ssm, ask: noTerminal, newSecret: secrets() }, both);

    const result = await storeSecrets(
      { ssm, ask: noTerminal, newSecret: secrets() },
      { path: PATH, apiKey: 'other', isKeyOnly: true },
    );

    expect(result).toEqual({ apiKey: 'written', apiSecret: 'removed', callbackSecret: 'kept' });
    expect(await stored()).not.toHaveProperty('api-secret');
  });

  it('accepts an empty answer for a project without a secret', async () => {
    const { ask } = terminal('key', '');

    const result = await storeSecrets({ ssm, ask, newSecret: secrets() }, { path: PATH, isKeyOnly: false });

    expect(result).toMatchObject({ apiKey: 'written', apiSecret: 'none' });
  });

  it('does not pair a new key with the stored secret of the old one', async () => {
    const both = { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false };
    await storeSecrets({ ssm, ask: noTerminal, newSecret: secrets() }, both);

    const newKeyAlone = storeSecrets(
      { ssm, ask: noTerminal, newSecret: secrets() },
      { path: PATH, apiKey: 'new-key', isKeyOnly: false },
    );

    await expect(newKeyAlone).rejects.toThrow(/WIRO_API_SECRET is missing.*--key-only/);
    expect(await stored()).toMatchObject({ 'api-key': 'SecureString key' });
  });

  it('names a missing value if there is no terminal, and stores nothing', async () => {
    const unasked = storeSecrets(
      { ssm, ask: noTerminal, newSecret: secrets() },
      { path: PATH, isKeyOnly: false },
    );

    await expect(unasked).rejects.toThrow(/WIRO_API_KEY is missing/);
    expect(await stored()).toEqual({});
  });

  it('refuses a secret together with --key-only', async () => {
    const both = storeSecrets(
      { ssm, ask: noTerminal, newSecret: secrets() },
      { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: true },
    );

    await expect(both).rejects.toThrow(/remove one of the two/);
  });
});

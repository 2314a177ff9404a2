import { PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { storeSecrets } from '../../../infra/setup/store-secrets.ts';
import { type ParameterStore, startParameterStore } from '../../support/parameter-store.ts';

const PATH = '/wiro/Test';
const nobody = undefined;

let ssm: SSMClient;
let stored: ParameterStore['stored'];
beforeEach(async () => {
  ({ ssm, stored } = await startParameterStore(PATH));
});

/** Answers questions in turn, and notes them. */
function person(...answers: string[]) {
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
  it('stores what the environment gives and makes a callback secret, all encrypted', async () => {
    const result = await storeSecrets(
      { ssm, ask: nobody, newSecret: secrets() },
      { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false },
    );

    expect(result).toEqual({ apiKey: 'written', apiSecret: 'written', callbackSecret: 'written' });
    expect(await stored()).toEqual({
      'api-key': 'SecureString key',
      'api-secret': 'SecureString secret',
      'callback-secret': 'SecureString made-1',
    });
  });

  it('asks for what the environment does not give, once', async () => {
    const first = person(' key ', 'secret');
    const again = person();

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

  it('never replaces the callback secret: tasks under way were given URLs signed with it', async () => {
    const newSecret = secrets();
    const request = { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false };

    await storeSecrets({ ssm, ask: nobody, newSecret }, request);
    await storeSecrets({ ssm, ask: nobody, newSecret }, { ...request, apiKey: 'new-key' });

    expect(await stored()).toMatchObject({
      'api-key': 'SecureString new-key',
      'callback-secret': 'SecureString made-1',
    });
  });

  it('keeps the callback secret of another set-up that was faster', async () => {
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

  it('takes a project without a secret, and forgets an older one', async () => {
    const both = { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false };
    await storeSecrets({ ssm, ask: nobody, newSecret: secrets() }, both);

    const result = await storeSecrets(
      { ssm, ask: nobody, newSecret: secrets() },
      { path: PATH, apiKey: 'other', isKeyOnly: true },
    );

    expect(result).toEqual({ apiKey: 'written', apiSecret: 'removed', callbackSecret: 'kept' });
    expect(await stored()).not.toHaveProperty('api-secret');
  });

  it('takes an empty answer for a project without a secret', async () => {
    const { ask } = person('key', '');

    const result = await storeSecrets({ ssm, ask, newSecret: secrets() }, { path: PATH, isKeyOnly: false });

    expect(result).toMatchObject({ apiKey: 'written', apiSecret: 'none' });
  });

  it('does not pair a new key with the stored secret of another', async () => {
    const both = { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: false };
    await storeSecrets({ ssm, ask: nobody, newSecret: secrets() }, both);

    const newKeyAlone = storeSecrets(
      { ssm, ask: nobody, newSecret: secrets() },
      { path: PATH, apiKey: 'new-key', isKeyOnly: false },
    );

    await expect(newKeyAlone).rejects.toThrow(/WIRO_API_SECRET is not set.*--key-only/);
    expect(await stored()).toMatchObject({ 'api-key': 'SecureString key' });
  });

  it('says what is missing when nobody is there to ask, and stores nothing', async () => {
    const unasked = storeSecrets(
      { ssm, ask: nobody, newSecret: secrets() },
      { path: PATH, isKeyOnly: false },
    );

    await expect(unasked).rejects.toThrow(/WIRO_API_KEY is not set/);
    expect(await stored()).toEqual({});
  });

  it('refuses a secret together with --key-only', async () => {
    const both = storeSecrets(
      { ssm, ask: nobody, newSecret: secrets() },
      { path: PATH, apiKey: 'key', apiSecret: 'secret', isKeyOnly: true },
    );

    await expect(both).rejects.toThrow(/leave one of them out/);
  });
});

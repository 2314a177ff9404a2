import { PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { endRotation, rotateCallbackSecret } from '../../infra/setup/rotate-callback-secret.ts';
import { type ParameterStore, startParameterStore } from '../support/parameter-store.ts';

const PATH = '/wiro/Test';
const HOUR_MS = 3_600_000;

let ssm: SSMClient;
let stored: ParameterStore['stored'];
beforeEach(async () => {
  ({ ssm, stored } = await startParameterStore(PATH));
});

const store = (name: string, Value: string) =>
  ssm.send(
    new PutParameterCommand({ Name: `${PATH}/${name}`, Value, Type: 'SecureString', Overwrite: true }),
  );

/** Types and values of both secrets, decrypted: the current one, then the one before. */
async function secrets(): Promise<readonly (string | undefined)[]> {
  const found = await stored();
  return [found['callback-secret'], found['previous-callback-secret']];
}

/** SSM for a process that dies at its n-th call, which is then undelivered, or unanswered. */
function dyingAt(call: number, isDelivered: boolean): Pick<SSMClient, 'send'> {
  let calls = 0;
  const send = async (command: Parameters<SSMClient['send']>[0]) => {
    calls += 1;
    if (calls !== call) return ssm.send(command);
    if (isDelivered) await ssm.send(command);
    throw new Error('died');
  };
  return { send } as Pick<SSMClient, 'send'>;
}

let made = 0;
function rotate({ inHours = 0, isForced = false, ssm: other = ssm as Pick<SSMClient, 'send'> } = {}) {
  const clock = () => new Date(Date.now() + inHours * HOUR_MS);
  made += 1;
  return rotateCallbackSecret(
    { ssm: other, newSecret: () => `new-${made}`, clock },
    { path: PATH, isForced },
  );
}
beforeEach(() => {
  made = 0;
});

describe('rotating the callback secret', () => {
  it('makes a new one and keeps the one before, both encrypted', async () => {
    await store('callback-secret', 'first');

    const comeUntil = await rotate();

    expect(await secrets()).toEqual(['SecureString new-1', 'SecureString first']);
    // The deadline, what a stop takes, and how long functions keep what they have read.
    expect(comeUntil.getTime() - Date.now()).toBeGreaterThan(6.3 * HOUR_MS);
  });

  it.each([
    ['reading them', 1, false],
    ['keeping the one before, undelivered', 2, false],
    ['keeping the one before, unanswered', 2, true],
    ['storing the new one, undelivered', 3, false],
  ])('goes on where it died: %s', async (_, call, isDelivered) => {
    await store('callback-secret', 'first');

    await expect(rotate({ ssm: dyingAt(call, isDelivered) })).rejects.toThrow('died');
    const between = await secrets();
    await rotate();

    expect(between).toContain('SecureString first');
    expect(await secrets()).toEqual(['SecureString new-2', 'SecureString first']);
  });

  it('changes nothing more when it died after its last write: callbacks of the first are still to come', async () => {
    await store('callback-secret', 'first');

    await expect(rotate({ ssm: dyingAt(3, true) })).rejects.toThrow('died');

    await expect(rotate()).rejects.toThrow(/was rotated at .*Rotate again after .*--force/s);
    expect(await secrets()).toEqual(['SecureString new-1', 'SecureString first']);
  });

  it('is refused while callbacks signed with the one before may come, and possible afterwards', async () => {
    await store('callback-secret', 'first');
    await rotate();

    await expect(rotate({ inHours: 6 })).rejects.toThrow('was rotated at');
    await rotate({ inHours: 7 });

    expect(await secrets()).toEqual(['SecureString new-3', 'SecureString new-1']);
  });

  it('gives the one before up at once when forced', async () => {
    await store('callback-secret', 'leaked');
    await rotate();

    await rotate({ isForced: true });

    expect(await secrets()).toEqual(['SecureString new-2', 'SecureString new-1']);
  });

  it('counts from the end of a rotation that was cut off for days', async () => {
    await store('previous-callback-secret', 'first');
    await store('callback-secret', 'first');

    await rotate({ inHours: 48 });

    expect(await secrets()).toEqual(['SecureString new-1', 'SecureString first']);
    await expect(rotate({ inHours: 1 })).rejects.toThrow('was rotated at');
  });

  it('is refused before there is a secret', async () => {
    await expect(rotate()).rejects.toThrow(/no callback secret under \/wiro\/Test yet: run "npm run setup"/);
    expect(await secrets()).toEqual([undefined, undefined]);
  });
});

describe('ending a rotation', () => {
  const end = (inHours: number) =>
    endRotation({ ssm, clock: () => new Date(Date.now() + inHours * HOUR_MS) }, PATH);

  it('removes the secret before once no callback can be signed with it', async () => {
    await store('callback-secret', 'first');
    await rotate();

    expect([await end(6), await secrets()]).toEqual([false, ['SecureString new-1', 'SecureString first']]);
    expect([await end(7), await secrets()]).toEqual([true, ['SecureString new-1', undefined]]);
  });

  it('does nothing where nothing was rotated', async () => {
    await store('callback-secret', 'first');

    expect([await end(7), await secrets()]).toEqual([false, ['SecureString first', undefined]]);
  });
});

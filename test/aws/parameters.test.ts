import { expect, it } from 'vitest';
import { NotConfiguredError } from '../../functions/aws/not-configured.ts';
import { secretWorld } from './secret-world.ts';

const SECRET = { apiKey: 'key-1', apiSecret: 'secret-1', callbackSecret: 'callback-1' };
const PLACES = { callbackBaseUrl: 'https://callback.example', callbackFunction: 'wiro-callback' };

it('reads the credentials from the secret and the rest from parameters, in parallel, with one call each', async () => {
  const { reader, calls, answerTogether } = await secretWorld(SECRET);
  answerTogether(2);

  const parameters = await reader().get();

  expect(parameters).toEqual({
    apiKey: 'key-1',
    apiSecret: 'secret-1',
    callbackSecrets: ['callback-1'],
    ...PLACES,
  });
  expect(calls.toSorted()).toEqual(['GetParameters', 'GetSecretValue']);
});

it('does not call Secrets Manager if the credentials are parameters', async () => {
  const { reader, calls, putParameter } = await secretWorld(SECRET);
  await putParameter('api-key', 'key-2');
  await putParameter('callback-secret', 'callback-2');

  const parameters = await reader({ secretArn: undefined }).get();

  expect(parameters).toEqual({ apiKey: 'key-2', callbackSecrets: ['callback-2'], ...PLACES });
  expect(calls).toEqual(['GetParameters']);
});

it('reads no callback secret for `api`, and does not require one', async () => {
  const { apiReader, asked, putParameter } = await secretWorld(SECRET);
  await putParameter('api-key', 'key-2');
  await putParameter('api-secret', 'secret-2');

  const parameters = await apiReader({ secretArn: undefined }).get();

  expect(parameters).toEqual({
    apiKey: 'key-2',
    apiSecret: 'secret-2',
    callbackFunction: 'wiro-callback',
  });
  expect(asked.map((name) => name.split('/').at(-1)).toSorted()).toEqual([
    'api-key',
    'api-secret',
    'callback-function',
  ]);
});

it('keeps no callback secret for `api` if one secret contains all credentials', async () => {
  const { apiReader, asked } = await secretWorld(SECRET);

  const parameters = await apiReader().get();

  expect(parameters).toEqual({
    apiKey: 'key-1',
    apiSecret: 'secret-1',
    callbackFunction: 'wiro-callback',
  });
  expect(asked).toEqual(['/wiro/a/callback-function']);
});

it('accepts a project without a secret, and the previous callback secret', async () => {
  const { reader } = await secretWorld({
    apiKey: 'key-1',
    apiSecret: '',
    callbackSecret: 'new',
    previousCallbackSecret: 'old',
  });

  expect(await reader().get()).toEqual({ apiKey: 'key-1', callbackSecrets: ['new', 'old'], ...PLACES });
});

it('caches them for a while, then reads them again', async () => {
  const { reader: open, calls, pass, replaceSecret } = await secretWorld(SECRET);
  const reader = open();
  await reader.get();
  await replaceSecret({ ...SECRET, apiKey: 'key-2' });

  pass(59_000);
  const kept = await reader.get();
  pass(1_000);
  const anew = await reader.get();

  expect([kept.apiKey, anew.apiKey]).toEqual(['key-1', 'key-2']);
  expect(calls).toHaveLength(4);
});

it('uses the cached credentials while Secrets Manager is down, and fails if there are none', async () => {
  const { reader: open, pass, stopSecretsManager } = await secretWorld(SECRET);
  const reader = open();
  await reader.get();
  await stopSecretsManager();

  pass(60_000);
  const kept = await reader.get();

  expect(kept.apiKey).toBe('key-1');
  await expect(open().get()).rejects.toThrow('secretsmanager could not be reached');
});

it('does not wait again for a service that has just failed, and calls it again later', async () => {
  const { reader: open, calls, pass, stopSecretsManager } = await secretWorld(SECRET);
  const reader = open();
  await reader.get();
  await stopSecretsManager();
  pass(60_000);
  await reader.get();
  const asked = calls.length;

  const kept = await Promise.all([reader.get(), reader.get()]);
  const meanwhile = calls.length;
  pass(10_000);
  await reader.get();

  expect([kept.map(({ apiKey }) => apiKey), meanwhile]).toEqual([['key-1', 'key-1'], asked]);
  expect(calls.length).toBeGreaterThan(asked);
});

it('reads replaced credentials after forget', async () => {
  const { reader: open, replaceSecret } = await secretWorld(SECRET);
  const reader = open();
  await reader.get();
  await replaceSecret({ ...SECRET, apiKey: 'key-2' });

  reader.forget();

  expect((await reader.get()).apiKey).toBe('key-2');
});

it.each([
  ['no JSON', 'hunter2', /is not a JSON object: store \{"apiKey"/],
  ['half a JSON object', '{"apiKey": "hunter2"', /is not a JSON object/],
  ['a list', ['hunter2'], /is not a JSON object/],
  ['null', null, /is not a JSON object/],
  ['no API key', { apiSecret: 'hunter2', callbackSecret: 'hunter2' }, /has no "apiKey": store/],
  ['an empty API key', { apiKey: '', callbackSecret: 'hunter2' }, /has no "apiKey": store/],
  ['no callback secret', { apiKey: 'hunter2' }, /has no "callbackSecret": store/],
  [
    'an API secret that is not text',
    { apiKey: 'hunter2', callbackSecret: 'hunter2', apiSecret: { v: 'hunter2' } },
    /"apiSecret" of the secret arn:\S+ is not text: store it in quotes/,
  ],
])('explains the fault of a secret with %s, without showing its content', async (_, secret, expected) => {
  const { reader, arn } = await secretWorld(secret);

  const error: Error = await reader()
    .get()
    .then(() => new Error('It was taken'))
    .catch((thrown) => thrown);

  expect(error.message).toMatch(expected);
  expect(error.message).toContain(arn);
  expect([error.message, error.stack, String(error.cause)].join()).not.toContain('hunter2');
});

it('says that the secret does not exist or is empty, and what to store', async () => {
  const { reader, arn } = await secretWorld(SECRET);

  const reading = reader({ secretArn: `${arn}x` }).get();

  await expect(reading).rejects.toThrow(NotConfiguredError);
  await expect(reading).rejects.toThrow(`${arn}x does not exist or has no value: store {"apiKey"`);
});

it('names the missing parameter and the remedy, makes no call for a while, then reads the stored value', async () => {
  const { reader: open, calls, pass, putParameter } = await secretWorld(SECRET);
  const reader = open({ secretArn: undefined });

  const first = reader.get();
  await expect(first).rejects.toThrow(NotConfiguredError);
  await expect(first).rejects.toThrow('the parameter /wiro/a/api-key is missing: run "npm run setup"');
  await putParameter('api-key', 'key-2');
  await putParameter('callback-secret', 'callback-2');
  pass(999);
  await expect(reader.get()).rejects.toThrow('/wiro/a/api-key');
  const asked = calls.length;
  pass(1);

  expect((await reader.get()).apiKey).toBe('key-2');
  expect([asked, calls.length]).toEqual([1, 2]);
});

it('does not report missing secrets when the service is down', async () => {
  const { reader, stopSecretsManager } = await secretWorld(SECRET);
  await stopSecretsManager();

  const error: unknown = await reader()
    .get()
    .catch((thrown: unknown) => thrown);

  expect(error).not.toBeInstanceOf(NotConfiguredError);
});

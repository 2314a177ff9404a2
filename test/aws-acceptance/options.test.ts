import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

const EMULATOR = { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };
const read = (args: readonly string[], env: NodeJS.ProcessEnv = EMULATOR) =>
  readOptions(args, env, () => 'abc123');

describe('options of test:aws', () => {
  it('start the simulator for an emulator, and send Function URLs to it', () => {
    expect(read([])).toEqual({
      stackName: 'WiroAcceptance-abc123',
      wiro: undefined,
      functionUrls: 'endpoint',
      reconcile: 'schedule',
      only: [],
      patienceMs: 300_000,
      keep: false,
      endpoint: 'http://127.0.0.1:4566',
    });
  });

  it('name a Wiro for a real account, and reach Function URLs by their own names', () => {
    const options = read(['--wiro-url', 'https://api.wiro.ai/v1/'], { WIRO_API_KEY: 'key' });

    expect(options).toMatchObject({
      wiro: { apiUrl: 'https://api.wiro.ai/v1', apiKey: 'key', apiSecret: undefined },
      functionUrls: 'direct',
      endpoint: undefined,
    });
  });

  it('use no Wiro that was not named here, whatever the environment says: its runs would be charged', () => {
    const options = read([], { ...EMULATOR, WIRO_API_URL: 'https://api.wiro.ai/v1', WIRO_API_KEY: 'key' });

    expect(options?.wiro).toBeUndefined();
  });

  it.each<[string, readonly string[], NodeJS.ProcessEnv, RegExp]>([
    ['a real account without a Wiro', [], {}, /name a Wiro with --wiro-url/],
    ['a Wiro without a key', ['--wiro-url', 'https://api.wiro.ai/v1'], {}, /needs WIRO_API_KEY/],
    ['a Wiro without /v1', ['--wiro-url', 'https://api.wiro.ai'], { WIRO_API_KEY: 'key' }, /ends in \/v1/],
    ['an endpoint that is no URL', [], { AWS_ENDPOINT_URL: '4566' }, /AWS_ENDPOINT_URL is "4566"/],
    ['a word that is not known', ['--reconcile', 'never'], EMULATOR, /schedule or invoke/],
    ['no time at all', ['--patience', '0'], EMULATOR, /number of seconds/],
    ['an unknown option', ['--kep'], EMULATOR, /'--kep': see npm run test:aws -- --help/],
  ])('are refused in a sentence: %s', (_, args, env, sentence) => {
    expect(() => read(args, env)).toThrow(sentence);
  });
});

import { describe, expect, it } from 'vitest';
import { SetupError } from '../../local/setup-error.ts';
import { readWiroAccess } from '../../local/wiro-access.ts';

const KEY = { WIRO_API_KEY: 'key', WIRO_API_SECRET: 'secret' };

it('is the simulator without WIRO_API_URL, even if other variables are set', () => {
  const env = { ...KEY, WIRO_SOCKET_URL: 'wss://x', WIRO_OUTPUT_HOSTS: 'x' };

  expect(readWiroAccess(env)).toBeUndefined();
  expect(readWiroAccess({ ...env, WIRO_API_URL: '' })).toBeUndefined();
});

it('reads all variables', () => {
  const access = readWiroAccess({
    ...KEY,
    WIRO_API_URL: 'http://127.0.0.1:9/v1',
    WIRO_SOCKET_URL: 'ws://127.0.0.1:9/v1',
    WIRO_OUTPUT_HOSTS: '127.0.0.1:9,wiro.ai',
  });

  expect(access).toEqual({
    apiUrl: 'http://127.0.0.1:9/v1',
    socketUrl: 'ws://127.0.0.1:9/v1',
    apiKey: 'key',
    apiSecret: 'secret',
    outputHosts: '127.0.0.1:9,wiro.ai',
  });
});

it('assumes a key-only project for a key without a secret', () => {
  const access = readWiroAccess({ WIRO_API_URL: 'https://api.wiro.ai/v1', WIRO_API_KEY: 'key' });

  expect(access).toEqual({ apiUrl: 'https://api.wiro.ai/v1', apiKey: 'key' });
});

it('removes a trailing slash', () => {
  expect(readWiroAccess({ ...KEY, WIRO_API_URL: 'https://api.wiro.ai/v1/' })?.apiUrl).toBe(
    'https://api.wiro.ai/v1',
  );
});

describe('explains in one sentence', () => {
  it.each(['https://api.wiro.ai', 'api.wiro.ai/v1', 'ftp://api.wiro.ai/v1'])(
    'the wrong URL %s',
    (WIRO_API_URL) => {
      expect(() => readWiroAccess({ ...KEY, WIRO_API_URL })).toThrow(
        /^WIRO_API_URL is ".*": set .* ends in \/v1/,
      );
    },
  );

  it('a missing key', () => {
    const read = () => readWiroAccess({ WIRO_API_URL: 'https://api.wiro.ai/v1', WIRO_API_SECRET: 's' });

    expect(read).toThrow(SetupError);
    expect(read).toThrow(/WIRO_API_KEY is missing: set it/);
  });

  it('a socket URL with another protocol', () => {
    const env = { ...KEY, WIRO_API_URL: 'https://api.wiro.ai/v1', WIRO_SOCKET_URL: 'https://x' };

    expect(() => readWiroAccess(env)).toThrow(/WIRO_SOCKET_URL is ".*": set a ws/);
  });
});

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ask, type ConsoleWorld, startConsoleWorld } from './console-world.ts';

let world: ConsoleWorld;
beforeAll(async () => {
  world = await startConsoleWorld();
});
afterAll(() => world.stop());
beforeEach(() => {
  for (const upstream of [world.api, world.store]) {
    upstream.heard.length = 0;
    upstream.answer = () => ({ body: '{}' });
  }
});

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const record = (change: object = {}) => ({
  id: 'g1',
  model: 'wiro/a',
  status: 'succeeded',
  inputs: {},
  outputs: [],
  updatedAt: '2026-11-01T00:00:00.000Z',
  ...change,
});
const output = (change: object = {}) => ({
  name: '0.png',
  contentType: 'image/png',
  url: `${world.store.url}/outputs/0.png?X-Amz-Signature=abc`,
  urlExpiresAt: inAnHour(),
  ...change,
});

describe('who may use it', () => {
  it('listens on the loopback interface only', async () => {
    const { hostname, port } = new URL(world.console.link);
    expect(hostname).toBe('127.0.0.1');
    const others = Object.values(networkInterfaces())
      .flatMap((addresses = []) => addresses)
      .filter(({ family, address }) => family === 'IPv4' && address !== hostname);
    for (const host of ['::1', ...others.map(({ address }) => address)])
      await expect(once(connect({ host, port: Number(port) }), 'connect')).rejects.toThrow();
  });

  it('exchanges the token of the link for a cookie that scripts and other sites do not have', async () => {
    const opened = await ask(world.console.link, { headers: { host: world.host } });

    expect(opened.status).toBe(303);
    expect([opened.headers.location, opened.headers['cache-control']]).toEqual(['/', 'no-store']);
    expect(opened.headers['set-cookie']?.[0]).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(opened.headers['set-cookie']?.[0]).not.toContain(
      new URL(world.console.link).searchParams.get('token'),
    );
  });

  it.each([
    ['no cookie', { cookie: undefined }, 401],
    ['a cookie of another session', { cookie: 'wiro-console-1=x' }, 401],
    ['a name that resolves to this machine', { host: 'attacker.example' }, 421],
    ['a name and the right port', { host: 'attacker.example:1' }, 421],
    ['no Host that it knows', { host: '127.0.0.1' }, 421],
    ['a page elsewhere', { origin: 'https://attacker.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
    ['a page of another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['another site, as the browser says', { origin: undefined, 'sec-fetch-site': 'cross-site' }, 403],
    ['another port, as the browser says', { origin: undefined, 'sec-fetch-site': 'same-site' }, 403],
  ])('refuses %s', async (_, headers, status) => {
    for (const path of ['/', '/about', '/api/generations', '/files/g1/0', '/inputs/g1/a/0'])
      expect((await world.ask(path, { headers })).status).toBe(status);
    expect(world.api.heard).toEqual([]);
  });

  it('refuses a change that names no origin, as a form of an old browser sends it', async () => {
    const answer = await world.ask('/api/generations', {
      method: 'POST',
      headers: { origin: undefined },
      body: '{}',
    });

    expect(answer.status).toBe(403);
    expect(world.api.heard).toEqual([]);
  });

  it('refuses a wrong token, and the right one under another name', async () => {
    const { pathname, search } = new URL(world.console.link);
    const wrong = await ask(`${world.origin}/?token=x`, { headers: { host: world.host } });
    const rebound = await ask(`${world.origin}${pathname}${search}`, {
      headers: { host: 'attacker.example' },
    });

    expect([wrong.status, wrong.headers['set-cookie']]).toEqual([401, undefined]);
    expect([rebound.status, rebound.headers['set-cookie']]).toEqual([421, undefined]);
  });

  it('refuses a socket of another page', async () => {
    for (const headers of [
      { cookie: world.cookie, origin: 'https://attacker.example' },
      { cookie: world.cookie },
      { origin: world.origin },
    ]) {
      const socket = new WebSocket(`ws://${world.host}/progress`, { headers });
      const status = await new Promise((resolve) => {
        socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
        socket.on('open', () => resolve('open'));
        socket.on('error', () => {});
      });
      socket.terminate();
      expect(status).toBe(403);
    }
  });
});

describe('what any program of this machine can send', () => {
  const SHAKE = 'connection: upgrade\r\nupgrade: websocket\r\n\r\n';

  it('does not end it', async () => {
    const socket = connect(Number(new URL(world.origin).port), '127.0.0.1');
    socket.write(`GET http://[ HTTP/1.1\r\nhost: ${world.host}\r\n${SHAKE}`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    const { status } = await world.ask('/files/%ff/0');

    expect(String(answer)).toMatch(/^HTTP\/1\.1 403/);
    expect(status).toBe(404);
    expect((await world.ask('/about')).status).toBe(200);
  });

  it('does not keep it from stopping', async () => {
    const alone = await startConsoleWorld();
    const port = Number(new URL(alone.origin).port);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(`GET /progress HTTP/1.1\r\nhost: ${alone.host}\r\n${SHAKE}`);
    await once(socket, 'data');

    await alone.stop();
    socket.destroy();
  });

  it('waits for no answer once it stops', async () => {
    const alone = await startConsoleWorld();
    alone.api.server.removeAllListeners('request');
    const left: Promise<unknown>[] = [];
    const both = new Promise<void>((resolve) => {
      alone.api.server.on('request', ({ socket }) => {
        left.push(once(socket, 'close'));
        if (left.length === 2) resolve();
      });
    });
    for (const path of ['/api/generations', '/files/g1/0']) void alone.ask(path).catch(() => {});
    await both;
    await alone.console.stop();
    await Promise.all(left);

    expect(left).toHaveLength(2);
    await alone.stop().catch(() => {});
  });
});

describe('the page', () => {
  it('runs only the script and the style that are in it', async () => {
    const { status, headers, body } = await world.ask('/');
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

    expect(status).toBe(200);
    expect(body).toContain('<p>Console</p>');
    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src ${hash('1')};`);
    expect(policy).toContain(`style-src ${hash('p{}')};`);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cache-control']).toBe('no-store');
  });
});

describe('the API', () => {
  it('passes requests on as they are, and answers with their status', async () => {
    world.api.answer = () => ({
      status: 409,
      headers: { 'retry-after': '7' },
      body: '{"error":{"code":"x"}}',
    });
    const answer = await world.ask('/api/generations?limit=2&label.a=b%20c', {
      method: 'POST',
      body: '{"model":"wiro/a"}',
    });

    expect([answer.status, answer.headers['retry-after'], answer.body]).toEqual([
      409,
      '7',
      '{"error":{"code":"x"}}',
    ]);
    expect(world.api.heard).toMatchObject([
      { method: 'POST', url: '/generations?limit=2&label.a=b%20c', body: '{"model":"wiro/a"}' },
    ]);
    expect(world.api.heard[0]?.headers.cookie).toBeUndefined();
  });

  it('signs with the credentials of the developer where the API is deployed', async () => {
    const deployed = await startConsoleWorld({
      credentials: async () => ({
        accessKeyId: 'AKIDEXAMPLE',
        secretAccessKey: 'secret',
        sessionToken: 'token',
      }),
    });
    await deployed.ask('/api/generations');

    expect(deployed.api.heard[0]?.headers).toMatchObject({
      authorization: expect.stringContaining('AKIDEXAMPLE'),
      'x-amz-security-token': 'token',
    });
    await deployed.stop();
  });

  it.each([
    '//evil.example/x',
    '/api//evil.example/x',
    '/api/@evil.example/',
    '/api/..//evil.example',
    '//api@evil.example/',
  ])('asks nobody but the API for %s', async (path) => {
    await world.ask(path).catch(() => {});

    expect(world.api.heard.every(({ headers }) => headers.host === new URL(world.api.url).host)).toBe(true);
  });

  it('says that it cannot reach the API, without a key', async () => {
    const alone = await startConsoleWorld({ apiUrl: 'http://127.0.0.1:9' });
    const { status, body } = await alone.ask('/api/generations');

    expect(status).toBe(502);
    expect(JSON.parse(body).error).toMatchObject({ code: 'http_502', retryable: true });
    expect(body).toContain('http://127.0.0.1:9');
    await alone.stop();
  });

  it('tells the page why it was refused, in the form of the API', async () => {
    const { status, body } = await world.ask('/api/generations', { headers: { cookie: undefined } });

    expect(status).toBe(401);
    expect(JSON.parse(body).error).toMatchObject({
      code: 'http_401',
      message: expect.stringContaining('Open the link'),
      retryable: false,
    });
  });

  it('says that the credentials of the developer have expired, and asks nobody', async () => {
    const expired = await startConsoleWorld({
      credentials: async () => {
        throw new Error('The SSO session has expired.');
      },
    });
    const { body } = await expired.ask('/api/generations', { method: 'POST', body: '{}' });

    expect(JSON.parse(body).error).toEqual({
      code: 'http_401',
      message:
        'Cannot sign the request with your AWS credentials: The SSO session has expired. Nothing was sent. Sign in to AWS again, then try again.',
      retryable: false,
    });
    expect(expired.api.heard).toEqual([]);
    await expired.stop();
  });

  it('keeps links and tokens to itself', async () => {
    world.api.answer = () => ({
      body: JSON.stringify(
        record({
          outputs: [output()],
          progress: { socketUrl: 'wss://socket.example/v1', token: 'capability' },
        }),
      ),
    });
    const { body } = await world.ask('/api/generations/g1');

    expect(body).not.toMatch(/X-Amz|capability|socket\.example/);
    expect(JSON.parse(body)).toMatchObject({
      outputs: [{ name: '0.png', url: '/files/g1/0?v=2026-11-01T00%3A00%3A00.000Z' }],
      progress: { socketUrl: `ws://${world.host}/progress`, token: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type keepOutput, localize } from '../../console/server/localize.ts';
import { createReferences } from '../../console/server/references.ts';
import { type ConsoleWorld, startConsoleWorld } from './console-world.ts';

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

describe('files', () => {
  const listed = async (change: object) => {
    world.api.answer = () => ({ body: JSON.stringify(record({ outputs: [output(change)] })) });
    await world.ask('/api/generations/g1');
    world.api.heard.length = 0;
  };

  it('relays an output from the link that the record gave', async () => {
    await listed({});
    world.store.answer = () => ({ body: 'bytes', headers: { 'content-type': 'text/html', etag: '"1"' } });
    const answer = await world.ask('/files/g1/0');

    expect([answer.status, answer.body]).toEqual([200, 'bytes']);
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': expect.stringMatching(/^inline/),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    });
    expect(world.store.heard).toMatchObject([{ url: '/outputs/0.png?X-Amz-Signature=abc' }]);
    expect(world.store.heard[0]?.headers.cookie).toBeUndefined();
    expect(world.api.heard).toEqual([]);
  });

  it('reads the record again when the link has expired, or was never seen', async () => {
    await listed({ urlExpiresAt: new Date().toISOString() });
    await world.ask('/files/g1/0');

    expect(world.api.heard).toMatchObject([{ url: '/generations/g1' }]);
  });

  it('passes on a part, as players ask for it', async () => {
    await listed({ contentType: 'video/mp4' });
    world.store.answer = () => ({ status: 206, body: 'by', headers: { 'content-range': 'bytes 0-1/5' } });
    const answer = await world.ask('/files/g1/0', { headers: { range: 'bytes=0-1' } });

    expect([answer.status, answer.headers['content-range'], answer.body]).toEqual([206, 'bytes 0-1/5', 'by']);
    expect(world.store.heard[0]?.headers.range).toBe('bytes=0-1');
  });

  it('does not show a document, which would run with its address', async () => {
    await listed({ contentType: 'text/html', name: '<script>.html' });
    const { headers } = await world.ask('/files/g1/0');

    expect(headers['content-type']).toBe('application/octet-stream');
    expect(headers['content-disposition']).toBe(
      `attachment; filename="_script_.html"; filename*=UTF-8''%3Cscript%3E.html`,
    );
  });

  it('keeps a hostile name inside its header', async () => {
    await listed({ name: '../../etc/pass"wd\r\nset-cookie: a=b; ü\ud800\u202e.png' });
    const { status, headers } = await world.ask('/files/g1/0?download');

    expect(status).toBe(200);
    expect(headers['set-cookie']).toBeUndefined();
    expect(headers['content-disposition']).toMatch(
      /^attachment; filename="pass_wdset-cookie_ a_b_ __\.png"; filename\*=UTF-8''pass%22wd/,
    );
    expect(headers['content-disposition']).not.toContain('%E2%80%AE');
  });

  it('follows no redirect', async () => {
    await listed({});
    world.store.answer = () => ({ status: 302, headers: { location: `${world.api.url}/secret` }, body: '' });

    expect((await world.ask('/files/g1/0')).status).toBe(502);
    expect(world.api.heard).toEqual([]);
  });

  it.each([
    '/files/g1/7',
    '/files/g1/0/1',
    '/files/http%3A%2F%2Fevil.example/0',
    '/inputs/g1/__proto__/0',
    '/uploads/abc',
    '/x',
  ])('relays nothing for %s, which no record names', async (path) => {
    world.api.answer = () => ({ body: JSON.stringify(record()) });

    expect((await world.ask(path)).status).toBe(404);
    expect(world.store.heard).toEqual([]);
  });

  it('reads an input of the bucket with the credentials of the developer', async () => {
    world.api.answer = () => ({
      body: JSON.stringify(record({ inputs: { images: ['a b/ü(1).png', 's3://other/c.png'] } })),
    });
    await world.ask('/inputs/g1/images/0');
    await world.ask('/inputs/g1/images/1');

    expect(world.store.heard.map(({ url }) => url.split('?')[0])).toEqual([
      '/inputs/a%20b/%C3%BC%281%29.png',
      '/other/c.png',
    ]);
    expect(world.store.heard[0]?.url).toContain('X-Amz-Signature=');
  });

  it.each([
    'https://127.0.0.1/',
    'https://169.254.169.254/latest/',
    'https://localhost/',
    'https://[::1]/',
    'https://0x7f.1/',
  ])('does not fetch the input %s from inside the network', async (source) => {
    world.api.answer = () => ({ body: JSON.stringify(record({ inputs: { image: source } })) });
    const { status, body } = await world.ask('/inputs/g1/image/0');

    expect(status).toBe(502);
    expect(body).toMatch(/public address/);
  });

  it.each(['s3://127.0.0.1:9?/x', 's3://user@host/x', 's3://a#/x'])(
    'signs nothing for %s, which names no bucket',
    async (source) => {
      const deployed = await startConsoleWorld({
        s3: { credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }) },
      });
      deployed.api.answer = () => ({ body: JSON.stringify(record({ inputs: { image: source } })) });

      expect((await deployed.ask('/inputs/g1/image/0')).status).toBe(404);
      await deployed.stop();
    },
  );

  it('relays an upload to the link that the API gave for it', async () => {
    world.api.answer = () => ({
      status: 201,
      body: JSON.stringify({
        key: 'inputs/temporary/1/a.png',
        method: 'PUT',
        url: `${world.store.url}/inputs/a.png?X-Amz-Signature=abc`,
        headers: { 'content-type': 'image/png', 'content-length': '5' },
      }),
    });
    const { body } = await world.ask('/api/uploads', { method: 'POST', body: '{"name":"a.png"}' });
    const { url } = JSON.parse(body);
    expect(url).toMatch(new RegExp(`^${world.origin}/uploads/[0-9a-f]{32}$`));
    const put = { method: 'PUT', body: 'bytes', headers: { 'content-length': '5' } };
    const answer = await world.ask(new URL(url).pathname, put);

    expect(answer.status).toBe(200);
    expect(world.store.heard).toMatchObject([
      {
        method: 'PUT',
        url: '/inputs/a.png?X-Amz-Signature=abc',
        body: 'bytes',
        headers: { 'content-type': 'image/png' },
      },
    ]);
  });
});

describe("Wiro's socket", () => {
  it('is relayed without the token of the task', async () => {
    const wiro = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => wiro.once('listening', resolve));
    const { port } = wiro.address() as { port: number };
    const asked = new Promise<string>((resolve) => {
      wiro.on('connection', (socket) =>
        socket.on('message', (data) => {
          resolve(String(data));
          for (const [type, message] of [
            ['task_start', null],
            ['task_output', `uses capability, see https://cdn1.wiro.ai/secret/0.png?X-Amz-Signature=abc`],
            [
              'task_output',
              { segments: [{ type: 'answer', text: 'See https://a.example/?q=1 capability' }] },
            ],
            ['task_postprocess_end', [{ url: 'https://cdn1.wiro.ai/secret/0.png' }]],
          ])
            socket.send(JSON.stringify({ type, id: '1', tasktoken: 'capability', message }));
          socket.close();
        }),
      );
    });
    world.api.answer = () => ({
      body: JSON.stringify(
        record({ progress: { socketUrl: `ws://127.0.0.1:${port}`, token: 'capability' } }),
      ),
    });
    const { progress } = JSON.parse((await world.ask('/api/generations/g1')).body);
    const page = new WebSocket(progress.socketUrl, {
      headers: { cookie: world.cookie, origin: world.origin },
    });
    const heard: string[] = [];
    page.on('open', () => page.send(JSON.stringify({ type: 'task_info', tasktoken: progress.token })));
    page.on('message', (data) => heard.push(String(data)));
    await new Promise((resolve) => page.once('close', resolve));

    expect(JSON.parse(await asked)).toEqual({ type: 'task_info', tasktoken: 'capability' });
    expect(heard.map((text) => JSON.parse(text))).toEqual([
      { type: 'task_start', id: '1', message: null },
      { type: 'task_output', id: '1', message: 'uses …, see https://cdn1.wiro.ai/…' },
      {
        type: 'task_output',
        id: '1',
        message: { segments: [{ type: 'answer', text: 'See https://a.example/?q=1 …' }] },
      },
      { type: 'task_postprocess_end', id: '1', message: [{ url: 'https://cdn1.wiro.ai/…' }] },
    ]);
    wiro.close();
  });

  it('connects nowhere for a task that no record named', async () => {
    const page = new WebSocket(`ws://${world.host}/progress`, {
      headers: { cookie: world.cookie, origin: world.origin },
    });
    page.on('open', () => page.send(JSON.stringify({ type: 'task_info', tasktoken: 'ws://127.0.0.1:1' })));
    const code = await new Promise((resolve) => page.once('close', resolve));

    expect(code).toBe(4404);
  });
});

it('keeps of many outputs what they are fetched by, and not what a model wrote', () => {
  const outputs = createReferences<Parameters<typeof keepOutput>[1]>();
  const kept = { outputs, tasks: createReferences<never>(), uploads: createReferences<never>() };
  const long = { ...output(), sizeBytes: 5, content: { answer: ['x'.repeat(100_000)] } };
  localize(record({ outputs: [long] }), kept, world.host);

  expect(outputs.get('g1/0')).toEqual(output({ urlExpiresAt: long.urlExpiresAt }));
});

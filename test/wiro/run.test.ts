import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWiroClient } from '../../functions/wiro/client.ts';
import {
  CREDENTIALS,
  clientOf,
  deadOrigin,
  runRequest,
  serverThat,
  wiroThat,
  wiroThatAnswers,
} from './server.ts';

const RAN = { result: true, errors: [], taskid: '2221', socketaccesstoken: 'tok' };

it('runs a model: JSON, signed, with the callback URL under both names', async () => {
  const { apiUrl, seen } = await wiroThatAnswers(RAN);

  const outcome = await clientOf(`${apiUrl}/`).run(runRequest());

  expect(outcome).toEqual({ kind: 'ran', taskId: '2221', taskToken: 'tok' });
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ method: 'POST', path: '/v1/Run/wiro/story-maker' });
  expect(seen[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'x-api-key': 'the-api-key',
    'x-nonce': expect.stringMatching(/^1734513809000\d{6}$/),
  });
  const nonce = seen[0]?.headers['x-nonce'];
  expect(seen[0]?.headers['x-signature']).toBe(
    createHmac('sha256', 'the-api-key').update(`the-api-secret${nonce}`).digest('hex'),
  );
  expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
    prompt: 'two people',
    callbackUrl: 'https://callback.example/d/g/1/signature',
    callbackurl: 'https://callback.example/d/g/1/signature',
  });
});

it('sends files in the body, as multipart', async () => {
  const { apiUrl, seen } = await wiroThatAnswers(RAN);
  const file = {
    name: 'a.png',
    contentType: 'image/png',
    sizeBytes: 4,
    open: async () => Readable.from([Buffer.from('PNG!')]),
  };

  const outcome = await clientOf(apiUrl).run(runRequest({ files: { inputImage: [{ file }] } }));

  expect(outcome.kind).toBe('ran');
  expect(seen[0]?.headers['content-length']).toBe(String(seen[0]?.body.length));
  expect(seen[0]?.body).toContain(
    'name="inputImage"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nPNG!\r\n',
  );
  expect(seen[0]?.body).toContain('name="inputImageUrl"\r\n\r\n\r\n');
});

it('runs a model at an address of IPv6', async () => {
  const server = createServer((_, response) => response.end(JSON.stringify(RAN)));
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  onTestFinished(() => void server.close());

  const { port } = server.address() as AddressInfo;
  expect(await clientOf(`http://[::1]:${port}/v1`).run(runRequest())).toMatchObject({ kind: 'ran' });
});

it('opens a connection for every Run', async () => {
  const { apiUrl, connections } = await wiroThatAnswers(RAN);
  const wiro = clientOf(apiUrl);

  await wiro.run(runRequest());
  await wiro.run(runRequest());

  expect(connections.count).toBe(2);
});

describe('not run', () => {
  it('when no server listens', async () => {
    const outcome = await clientOf(`${await deadOrigin()}/v1`).run(runRequest());

    expect(outcome).toEqual({
      kind: 'notRun',
      reason: 'unreachable',
      message: 'Cannot run "wiro/story-maker": ECONNREFUSED',
      why: 'ECONNREFUSED',
    });
  });

  it('when the name does not resolve', async () => {
    const outcome = await clientOf('http://wiro.invalid/v1').run(runRequest());

    expect(outcome).toMatchObject({ kind: 'notRun', reason: 'unreachable' });
  });

  it('when the TLS handshake fails', async () => {
    const { origin, connections } = await serverThat((socket) => socket.end('this is no TLS\r\n'));

    const outcome = await clientOf(`${origin.replace('http:', 'https:')}/v1`).run(runRequest());

    expect(outcome).toMatchObject({ kind: 'notRun', reason: 'unreachable' });
    expect(connections.count).toBe(1);
  });

  it.each([
    ['the time-out of connecting', { connectMs: 50 }, 5_000],
    ['its own limit', {}, 50],
  ])('when %s ends a TLS handshake that no server answers', async (_, timeouts, timeoutMs) => {
    const { origin } = await serverThat(() => {});

    const outcome = await clientOf(`${origin.replace('http:', 'https:')}/v1`, timeouts).run(
      runRequest({ timeoutMs }),
    );

    expect(outcome).toMatchObject({ kind: 'notRun', reason: 'unreachable' });
  });

  it.each([
    ['that cannot be read', () => Promise.reject(new Error('the-api-secret is not readable'))],
    ['that do not come', () => new Promise<never>(() => {})],
  ])('with credentials %s', async (_, credentials) => {
    const { apiUrl, connections } = await wiroThatAnswers(RAN);
    const timeouts = { connectMs: 5_000, headersMs: 5_000, bodyMs: 5_000, stallMs: 5_000 };
    const wiro = createWiroClient({ apiUrl, credentials, now: () => new Date(0), timeouts });

    const outcome = await wiro.run(runRequest({ timeoutMs: 100 }));

    expect(outcome).toMatchObject({ kind: 'notRun', reason: 'unreachable' });
    expect(JSON.stringify(outcome)).not.toContain('the-api-secret');
    expect(connections.count).toBe(0);
  });

  it('when a file cannot be opened', async () => {
    const { apiUrl, connections } = await wiroThatAnswers(RAN);
    const file = {
      name: 'a',
      contentType: 'x/y',
      sizeBytes: 4,
      open: () => Promise.reject(new Error('gone')),
    };

    const outcome = await clientOf(apiUrl).run(runRequest({ files: { img: [{ file }] } }));

    expect(outcome.kind).toBe('notRun');
    expect(connections.count).toBe(0);
  });

  it('when the time runs out before it begins', async () => {
    const { apiUrl, connections } = await wiroThatAnswers(RAN);

    const outcome = await clientOf(apiUrl).run(runRequest({ timeoutMs: 0 }));

    expect(outcome).toMatchObject({ kind: 'notRun', reason: 'unreachable' });
    expect(connections.count).toBe(0);
  });

  it.each(['', 'wiro', 'wiro/', '../Task', 'a/b/c', './x'])('as model "%s"', async (model) => {
    const { apiUrl, connections } = await wiroThatAnswers(RAN);

    expect(await clientOf(apiUrl).run(runRequest({ model }))).toMatchObject({
      kind: 'notRun',
      reason: 'invalid',
    });
    expect(connections.count).toBe(0);
  });
});

describe('unknown, sent once and never again', () => {
  it.each([
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
    ['is closed', (socket: Socket) => socket.end()],
    ['ends within the headers', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
    [
      'ends within the answer',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result":true'),
    ],
    [
      'ends within an answer of unknown length',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"result":true,"taskid":"22'),
    ],
    ['answers something that is not HTTP', (socket: Socket) => socket.end('SSH-2.0-x\r\n')],
    [
      'switches to another protocol',
      (socket: Socket) =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
  ])('when the connection %s', async (_, breakIt) => {
    const { origin, connections } = await serverThat((socket) => socket.once('data', () => breakIt(socket)));

    const outcome = await clientOf(`${origin}/v1`).run(runRequest());

    expect(outcome.kind).toBe('unknown');
    expect(connections.count).toBe(1);
  });

  it.each([
    ['answer never begins', ''],
    ['answer is announced only', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['answer never ends', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{'],
  ])('when an %s', async (_, beginning) => {
    const { origin, connections } = await serverThat((socket) =>
      socket.once('data', () => socket.write(beginning)),
    );

    const outcome = await clientOf(`${origin}/v1`).run(runRequest({ timeoutMs: 100 }));

    // The limits of the whole call and of its answer are equal here, so either may expire first.
    expect(outcome).toEqual({
      kind: 'unknown',
      message: expect.stringMatching(
        /^Wiro may run "wiro\/story-maker" and charge for it: (the time for the whole call ran out|its answer did not end within 100 ms|no answer came within 100 ms)$/,
      ),
    });
    expect(connections.count).toBe(1);
  });

  it('when interim answers come without end', async () => {
    const { origin } = await serverThat((socket) => {
      const sending = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 10);
      socket.on('close', () => clearInterval(sending));
    });

    const outcome = await clientOf(`${origin}/v1`).run(runRequest({ timeoutMs: 200 }));

    expect(outcome).toMatchObject({ kind: 'unknown' });
  });

  it('when the answer is oversized', async () => {
    const { apiUrl } = await wiroThatAnswers(
      `{"result":true,"taskid":"1","x":"${'x'.repeat(5 * 1024 * 1024)}"}`,
    );

    expect((await clientOf(apiUrl).run(runRequest())).kind).toBe('unknown');
  });

  it('when a file breaks while it is sent', async () => {
    const { origin, connections } = await serverThat((socket) => socket.resume());
    const open = async () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('PN');
          throw new Error('S3 went away');
        })(),
      );
    const file = { name: 'a', contentType: 'x/y', sizeBytes: 4, open };

    const outcome = await clientOf(`${origin}/v1`).run(runRequest({ files: { img: [{ file }] } }));

    expect(outcome.kind).toBe('unknown');
    expect(connections.count).toBe(1);
  });
});

it('shows no key, secret, signature, callback URL or presigned query in any message', async () => {
  const presigned = 'https://b.s3.amazonaws.com/a.png?X-Amz-Signature=presigned';
  const { apiUrl } = await wiroThat((response, { headers }) => {
    const message = `${headers['x-api-key']} the-api-secret ${headers['x-signature']} ${presigned} https://callback.example/d/g/1/signature`;
    response.end(JSON.stringify({ result: false, errors: [{ code: 42, message }] }));
  });

  const outcome = await clientOf(apiUrl).run(runRequest());

  expect(outcome).toEqual({
    kind: 'notRun',
    reason: 'refused',
    message: 'Cannot run "wiro/story-maker": Wiro says: … … … https://b.s3.amazonaws.com/a.png?… …',
    why: 'it says: … … … https://b.s3.amazonaws.com/a.png?… …',
    code: 42,
  });
  expect(JSON.stringify(outcome)).not.toContain(CREDENTIALS.apiKey);
});

it('closes the connection when the time runs out while connecting', async () => {
  const closed = Promise.withResolvers<void>();
  const { origin } = await serverThat((socket) => socket.resume().on('close', closed.resolve));

  await clientOf(`${origin.replace('http:', 'https:')}/v1`).run(runRequest({ timeoutMs: 100 }));

  await closed.promise;
});

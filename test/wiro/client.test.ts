import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWiroClient } from '../../functions/wiro/client.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { WiroClient } from '../../functions/wiro/types.ts';
import { clientOf, deadOrigin, listen, serverThat, wiroThat, wiroThatAnswers } from './server.ts';

const TASK = { id: '5', status: 'task_start', socketaccesstoken: 'tok' };
const FILE = {
  id: 'f',
  name: 'a.png',
  contenttype: 'image/png',
  size: '4',
  url: 'https://api.wiro.ai/v1/File/x/a.png',
};
const NO = (code: number | string, message: string) => ({ result: false, errors: [{ code, message }] });
const fileOf = (content: string) => ({
  name: 'a.png',
  contentType: 'image/png',
  sizeBytes: Buffer.byteLength(content),
  open: async () => Readable.from([Buffer.from(content)]),
});
const failureOf = (call: Promise<unknown>): Promise<WiroError> =>
  call.then(
    (value) => expect.unreachable(`it answered ${JSON.stringify(value)}`),
    (error) => error,
  );

describe('what is sent', () => {
  it.each<[string, (wiro: WiroClient) => Promise<unknown>, string, unknown]>([
    ['task by id', (wiro) => wiro.task({ taskId: '5' }), 'Task/Detail', { taskid: '5' }],
    [
      'task by token',
      (wiro) => wiro.task({ taskToken: 'tok' }),
      'Task/Detail',
      { tasktoken: 'tok', socketaccesstoken: 'tok' },
    ],
    [
      'tasks',
      (wiro) => wiro.tasks({ start: 20, limit: 10 }),
      'Task/List',
      { type: 'model', sort: 'id', order: 'DESC', start: '20', limit: '10' },
    ],
    [
      'cancel, under every name',
      (wiro) => wiro.cancel('5', 'tok'),
      'Task/Cancel',
      { taskid: '5', tasktoken: 'tok', socketaccesstoken: 'tok' },
    ],
    ['kill without a token', (wiro) => wiro.kill('5'), 'Task/Kill', { taskid: '5' }],
    [
      'deletion',
      (wiro) => wiro.deleteInputsAndOutputs('tok'),
      'Task/InputOutputDelete',
      { tasktoken: 'tok', socketaccesstoken: 'tok' },
    ],
    ['model', (wiro) => wiro.model('a/b'), 'Tool/Detail', { slugowner: 'a', slugproject: 'b' }],
  ])('%s', async (_, call, path, payload) => {
    const list = { tasklist: [TASK], list: [FILE], tool: [{}] };
    const { apiUrl, seen } = await wiroThatAnswers({ result: true, errors: [], ...list });

    await call(clientOf(apiUrl));

    expect(seen.map((request) => request.path)).toEqual([`/v1/${path}`]);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual(payload);
  });

  it('is signed with a new nonce every time', async () => {
    const { apiUrl, seen } = await wiroThatAnswers({ result: true, tool: [] });
    const wiro = clientOf(apiUrl);

    await Promise.all([wiro.models({}), wiro.models({})]);

    const [first, second] = seen.map(({ headers }) => headers['x-nonce']);
    expect(new Set([first, second]).size).toBe(2);
  });

  it('has the key alone for a project without a secret', async () => {
    const { apiUrl, seen } = await wiroThatAnswers({ result: true, tool: [] });
    const timeouts = { connectMs: 5_000, headersMs: 5_000, bodyMs: 5_000, stallMs: 5_000 };
    const credentials = async () => ({ apiKey: 'k' });

    await createWiroClient({ apiUrl, credentials, now: () => new Date(0), timeouts }).models({});

    expect(seen[0]?.headers['x-api-key']).toBe('k');
    expect(seen[0]?.headers).not.toHaveProperty('x-signature');
    expect(seen[0]?.headers).not.toHaveProperty('x-nonce');
  });
});

describe('tasks', () => {
  it('returns the requested task, and undefined if Wiro says that it does not exist', async () => {
    const found = await wiroThatAnswers({ total: '1', result: true, tasklist: [TASK] });
    const none = await wiroThatAnswers({ total: 0, result: true, tasklist: [] });
    const refused = await wiroThatAnswers(NO(1, 'There is no task yet.'));

    expect(await clientOf(found.apiUrl).task({ taskId: '5' })).toMatchObject({ id: '5', token: 'tok' });
    expect(await clientOf(none.apiUrl).task({ taskId: '5' })).toBeUndefined();
    expect(await clientOf(refused.apiUrl).task({ taskId: '5' })).toBeUndefined();
  });

  it.each([
    ['another task', { result: true, tasklist: [{ ...TASK, id: '6', socketaccesstoken: 'other' }] }],
    ['no list', { result: true }],
    ['unreadable rows', { result: true, tasklist: [{}] }],
  ])('rejects %s as an answer', async (_, body) => {
    const { apiUrl } = await wiroThatAnswers(body);

    expect(await failureOf(clientOf(apiUrl).task({ taskId: '5' }))).toMatchObject({
      kind: 'badAnswer',
      retryable: true,
    });
    expect(await failureOf(clientOf(apiUrl).task({ taskToken: 'tok' }))).toMatchObject({ kind: 'badAnswer' });
  });

  it('lists a page, and counts rows that it cannot read', async () => {
    const { apiUrl } = await wiroThatAnswers({ total: '41', result: true, tasklist: [TASK, {}, null] });

    expect(await clientOf(apiUrl).tasks({ start: 0, limit: 20 })).toEqual({
      tasks: [{ id: '5', token: 'tok', status: 'task_start', end: 'unfinished', outputs: [] }],
      rows: 3,
      total: 41,
    });
  });

  it('never reads a missing list as an empty one', async () => {
    const empty = await wiroThatAnswers(NO(1, 'There is no task yet.'));
    const missing = await wiroThatAnswers({ result: true, total: '0' });
    const other = await wiroThatAnswers(NO(1, 'not accessible'));

    expect(await clientOf(empty.apiUrl).tasks({ start: 0, limit: 20 })).toEqual({ tasks: [], rows: 0 });
    expect((await failureOf(clientOf(missing.apiUrl).tasks({ start: 0, limit: 20 }))).kind).toBe('badAnswer');
    expect((await failureOf(clientOf(other.apiUrl).tasks({ start: 0, limit: 20 }))).kind).toBe('notFound');
  });

  it('distinguishes a stop that Wiro refuses from one that fails', async () => {
    const stopped = await wiroThatAnswers({ result: true, tasklist: [TASK] });
    const refused = await wiroThatAnswers(NO('1', 'Task is not in a cancellable state.'));
    const failed = await wiroThatAnswers(NO(0, 'Internal error'));

    expect(await clientOf(stopped.apiUrl).cancel('5')).toEqual({ kind: 'stopped' });
    expect(await clientOf(refused.apiUrl).kill('5')).toEqual({
      kind: 'refused',
      message: "Cannot call Wiro's Task/Kill: it says: Task is not in a cancellable state.",
    });
    expect(await failureOf(clientOf(failed.apiUrl).kill('5'))).toMatchObject({
      kind: 'refused',
      code: 0,
      retryable: true,
    });
  });
});

describe('models', () => {
  it('returns a model with its schema, and undefined if it does not exist', async () => {
    const tool = [{ cleanslugowner: 'a', cleanslugproject: 'b', parameters: null }];
    const found = await wiroThatAnswers({ result: true, tool });
    const refused = await wiroThatAnswers(NO(1, 'slug-owner-project-not-exist'));

    expect(await clientOf(found.apiUrl).model('a/b')).toEqual({
      name: 'a/b',
      kind: 'plain',
      slugs: [{ owner: 'a', project: 'b' }],
      parameters: [],
    });
    expect((await clientOf(found.apiUrl).models({ search: 'b' })).models).toEqual([
      { name: 'a/b', kind: 'plain', slugs: [{ owner: 'a', project: 'b' }], parameters: [] },
    ]);
    expect(await clientOf(refused.apiUrl).model('a/b')).toBeUndefined();
  });

  it('waits for a model no longer than the time limit', async () => {
    const { origin } = await serverThat((socket) => socket.resume());

    const failure = await failureOf(clientOf(`${origin}/v1`).model('a/b', 50));

    expect(failure).toMatchObject({ kind: 'timeout', retryable: true });
  });
});

describe('upload', () => {
  it('streams a large file with its exact length, never whole in memory', async () => {
    const piece = Buffer.alloc(64 * 1024, 'wiro');
    const pieces = 960; // 60 MB
    const fileHash = createHash('sha256');
    let ahead = 0;
    let mostAhead = 0;
    const received = Promise.withResolvers<{
      length: number;
      sha256: string;
      announced: string | undefined;
    }>();
    const server = createServer(async (request, response) => {
      const chunks = createHash('sha256');
      const boundary = /boundary=(.*)/.exec(request.headers['content-type'] ?? '')?.[1] ?? '';
      const tailLength = `\r\n--${boundary}--\r\n`.length;
      let length = 0;
      let head = Buffer.alloc(0);
      let isInFile = false;
      let held = Buffer.alloc(0); // the end may be the closing boundary
      for await (const chunk of request as AsyncIterable<Buffer>) {
        length += chunk.length;
        ahead -= chunk.length;
        let bytes = chunk;
        if (!isInFile) {
          head = Buffer.concat([head, chunk]);
          const at = head.indexOf('\r\n\r\n', head.indexOf('filename='));
          if (at < 0) continue;
          isInFile = true;
          bytes = head.subarray(at + 4);
        }
        held = Buffer.concat([held, bytes]);
        const sure = Math.max(0, held.length - tailLength);
        chunks.update(held.subarray(0, sure));
        held = held.subarray(sure);
      }
      received.resolve({
        length,
        sha256: chunks.digest('hex'),
        announced: request.headers['content-length'],
      });
      response.end(JSON.stringify({ result: true, list: [FILE] }));
    });
    const open = async () =>
      Readable.from(
        (async function* () {
          for (let index = 0; index < pieces; index += 1) {
            piece.writeUInt32BE(index);
            const bytes = Buffer.from(piece);
            fileHash.update(bytes);
            ahead += bytes.length;
            mostAhead = Math.max(mostAhead, ahead);
            yield bytes;
          }
        })(),
        { objectMode: false },
      );
    const file = { name: 'a.png', contentType: 'image/png', sizeBytes: pieces * piece.length, open };

    const uploaded = await clientOf(`${await listen(server)}/v1`).upload(file);

    const { length, sha256, announced } = await received.promise;
    expect(uploaded).toEqual({
      id: 'f',
      name: 'a.png',
      contentType: 'image/png',
      sizeBytes: 4,
      url: FILE.url,
    });
    expect(announced).toBe(String(length));
    expect(sha256).toBe(fileHash.digest('hex'));
    // The sockets' buffers, not the file, bound the bytes between file and server.
    expect(mostAhead).toBeLessThan(24 * 1024 * 1024);
  });

  it('continues while data moves, and fails when it stalls', async () => {
    const { apiUrl } = await wiroThatAnswers({ result: true, list: [FILE] });
    const stalled = new Readable({ read() {} });
    stalled.push('ab');
    const slow = { ...fileOf('abcd'), open: async () => stalled };

    const failure = await failureOf(clientOf(apiUrl, { stallMs: 100 }).upload(slow));

    expect(failure).toMatchObject({ kind: 'timeout', retryable: true });
    expect(stalled.destroyed).toBe(true);
  });

  it('rethrows an error of opening or reading the file unchanged', async () => {
    const { apiUrl } = await wiroThatAnswers({ result: true, list: [FILE] });
    const changed = new Error('the input has changed');
    const broken = async () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('ab');
          throw changed;
        })(),
      );

    const wiro = clientOf(apiUrl);

    expect(await failureOf(wiro.upload({ ...fileOf('abcd'), open: () => Promise.reject(changed) }))).toBe(
      changed,
    );
    expect(await failureOf(wiro.upload({ ...fileOf('abcd'), open: broken }))).toBe(changed);
    expect(await failureOf(wiro.upload({ ...fileOf('abcd'), sizeBytes: 5 }))).toMatchObject({
      kind: 'wrongSize',
    });
  });

  it('reads an answer that arrives before the whole file is sent', async () => {
    const { origin } = await serverThat((socket) => {
      const body = JSON.stringify(NO(97, 'Insufficient balance'));
      socket.once('data', () =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      );
    });
    const endless = { ...fileOf(''), sizeBytes: 10_000_000, open: async () => new Readable({ read() {} }) };

    const failure = await failureOf(clientOf(`${origin}/v1`).upload(endless));

    expect(failure).toMatchObject({ kind: 'insufficientBalance', code: 97 });
  });

  it.each([
    ['a text that nobody has described', NO(0, 'invalid-parameters'), 200, true],
    ['a bare text', { result: false, errors: ['invalid-parameters'] }, 200, true],
    ['a code', NO(1, 'not found'), 200, true],
    ['another status with an answer of the API', NO(0, 'invalid-parameters'), 400, true],
    ['a page', '<html>403</html>', 403, false],
    ['an error of the server', NO(0, 'Server error'), 500, false],
    ['too many at once', NO(0, 'Slow down'), 429, false],
    ['no balance', NO(97, 'Insufficient balance'), 200, false],
    ['no balance, by another status', NO(97, 'Insufficient balance'), 400, false],
    ['too many tasks', NO(96, 'you can run up to 5 tasks at the same time'), 200, false],
    ['a wrong key', NO(98, 'Sign in'), 200, false],
    ['no answer of the API', 'nonsense', 200, false],
  ])('tells whether %s refuses the content sent', async (_, answer, status, isRefusal) => {
    const { apiUrl } = await wiroThatAnswers(answer, status);

    expect(await failureOf(clientOf(apiUrl).upload(fileOf('x')))).toMatchObject({ isRefusal });
  });

  it('rejects an uploaded file without a URL', async () => {
    const { apiUrl } = await wiroThatAnswers({ result: true, list: [{ id: 'f' }] });

    expect((await failureOf(clientOf(apiUrl).upload(fileOf('x')))).kind).toBe('badAnswer');
  });
});

describe('failures', () => {
  it.each([
    [401, '', { kind: 'unauthorized', retryable: false }],
    [401, JSON.stringify(NO(98, 'sign in')), { kind: 'unauthorized', code: 98, retryable: false }],
    [403, '', { kind: 'status', retryable: true }],
    [404, '<html>Not Found</html>', { kind: 'status', retryable: true }],
    [413, '<html>', { kind: 'status', retryable: false }],
    [404, JSON.stringify(NO(0, 'Error parsing url.')), { kind: 'status', retryable: false }],
    [429, '', { kind: 'busy', retryable: true }],
    [503, '<html>', { kind: 'status', retryable: true }],
    [302, '', { kind: 'status', retryable: true }],
    [200, '<html>the-api-secret</html>', { kind: 'badAnswer', retryable: true }],
    [200, JSON.stringify(NO(97, 'x')), { kind: 'insufficientBalance', code: 97, retryable: false }],
    [200, JSON.stringify(NO(99, 'x')), { kind: 'unauthorized', code: 99, retryable: false }],
    [200, JSON.stringify(NO(0, 'Request parameter [limit] required')), { kind: 'invalid', field: 'limit' }],
    [200, JSON.stringify({ result: false }), { kind: 'refused', retryable: true }],
    [200, `{"x":"${'x'.repeat(5 * 1024 * 1024)}"}`, { kind: 'tooLarge', retryable: false }],
  ])('status %i with %.40s', async (status, body, expected) => {
    const { apiUrl } = await wiroThatAnswers(body, status);

    const failure = await failureOf(clientOf(apiUrl).models({}));

    expect(failure).toBeInstanceOf(WiroError);
    expect(failure).toMatchObject(expected);
    expect(`${failure.stack} ${failure.cause}`).not.toContain('the-api-secret');
  });

  it('of the connection', async () => {
    const reset = await serverThat((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const silent = await serverThat((socket) => socket.resume());
    const trickling = await serverThat((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{')),
    );

    expect(await failureOf(clientOf(await deadOrigin()).models({}))).toMatchObject({ kind: 'unreachable' });
    expect(await failureOf(clientOf(reset.origin).models({}))).toMatchObject({ kind: 'cutOff' });
    expect(await failureOf(clientOf(silent.origin, { headersMs: 50 }).models({}))).toMatchObject({
      kind: 'timeout',
    });
    expect(await failureOf(clientOf(trickling.origin, { bodyMs: 50 }).models({}))).toMatchObject({
      kind: 'timeout',
    });
  });

  it('contain no part of an answer that is not HTTP', async () => {
    const { origin } = await serverThat((socket) =>
      socket.once('data', () => socket.end('tok-1 is your token\r\n')),
    );

    const failure = await failureOf(clientOf(origin).models({}));

    expect(failure).toMatchObject({ kind: 'cutOff' });
    expect(inspect(failure)).not.toContain('tok-1');
  });

  it('show no token, key or presigned query', async () => {
    const { apiUrl } = await wiroThat((response) => {
      response.end(JSON.stringify(NO(42, 'the-api-key tok-1 https://x.example/a?sig=1')));
    });

    const failure = await failureOf(clientOf(apiUrl).deleteInputsAndOutputs('tok-1'));

    expect(failure.message).toBe(
      "Cannot call Wiro's Task/InputOutputDelete: it says: … … https://x.example/a?…",
    );
  });
});

it.each(['', 'nonsense', 'ftp://x/v1', 'https://user:secret@x/v1'])(
  'refuses "%s" as the URL of the API',
  (apiUrl) => {
    expect(() => clientOf(apiUrl)).toThrow('must be a plain http or https URL');
    expect(() => clientOf(apiUrl)).not.toThrow('secret');
  },
);

it('returns a value or throws a WiroError for any JSON', async () => {
  let body: unknown;
  const { apiUrl } = await wiroThat((response) => void response.end(JSON.stringify(body)));
  const wiro = clientOf(apiUrl);
  const calls: ((wiro: WiroClient) => Promise<unknown>)[] = [
    (wiro) => wiro.task({ taskId: '5' }),
    (wiro) => wiro.tasks({ start: 0, limit: 1 }),
    (wiro) => wiro.cancel('5', 'tok'),
    (wiro) => wiro.deleteInputsAndOutputs('tok'),
    (wiro) => wiro.upload(fileOf('x')),
    (wiro) => wiro.models({}),
    (wiro) => wiro.model('a/b'),
  ];
  const rows = fc.oneof(
    fc.jsonValue(),
    fc.array(
      fc.dictionary(
        fc.constantFrom('id', 'status', 'url', 'outputs', 'parameters', 'slugowner', 'slugproject'),
        fc.jsonValue(),
      ),
    ),
  );
  const answers = fc.oneof(
    fc.jsonValue(),
    fc.record({
      result: fc.constantFrom(true, false, 'true', null),
      errors: fc.jsonValue(),
      tasklist: rows,
      list: rows,
      tool: rows,
    }),
  );

  await fc.assert(
    fc.asyncProperty(answers, fc.constantFrom(...calls), async (answer, call) => {
      body = answer;
      await call(wiro).catch((error) => expect(error).toBeInstanceOf(WiroError));
    }),
    { numRuns: 300 },
  );
});

it.each([200, 402, 400])('reports a low balance for status %i too', async (status) => {
  const { apiUrl } = await wiroThatAnswers(NO(97, 'insufficient balance'), status);

  expect(await failureOf(clientOf(apiUrl).models({}))).toMatchObject({
    kind: 'insufficientBalance',
    isRefusal: false,
    retryable: false,
  });
});

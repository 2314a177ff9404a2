import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerRequest } from '../../functions/api/routes.ts';
import type { GenerationError } from '../../functions/generation/errors.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { createTimelines } from '../../functions/store/timelines.ts';
import { EXAMPLES } from '../generation/examples.ts';
import { doorWorld } from '../intake/door-world.ts';

afterEach(() => void vi.restoreAllMocks());

const GOOD = { model: 'wiro/flux', parameters: { prompt: 'A hill' }, idempotencyKey: 'k' };
const REQUEST = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} };

function apiWorld() {
  const world = doorWorld();
  const call = async (method: string, path: string, body: unknown = '') => {
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const answer = await answerRequest(world.deps, { method, path, body: bytes });
    return { ...answer, error: 'error' in answer.body ? (answer.body.error as GenerationError) : undefined };
  };
  const stand = (generation: Generation) => world.deps.generations.accept(generation, REQUEST);
  return { ...world, call, stand };
}

describe('paths and methods', () => {
  it('answers a HEAD like a GET', async () => {
    const { call, stand } = apiWorld();
    const { id } = await stand(EXAMPLES.queued);

    const [get, head] = [await call('GET', `/generations/${id}`), await call('HEAD', `/generations/${id}`)];

    expect(head).toEqual(get);
    expect(head.statusCode).toBe(200);
  });

  it('answers a new request with what it stored, and reads nothing for that', async () => {
    const { call, deps } = apiWorld();
    const whole = vi.spyOn(deps.generations, 'whole');

    const { statusCode, headers, body } = await call('POST', '/generations', GOOD);
    const reads = whole.mock.calls.length;
    const record = await call('GET', headers?.location ?? '');
    const again = await call('POST', '/generations', GOOD);

    expect([statusCode, reads]).toEqual([202, 0]);
    expect(body).toEqual(record.body);
    expect(again.body).toEqual({ ...body, repeated: true });
  });

  it('ignores extra slashes', async () => {
    const { call, stand } = apiWorld();
    const { id } = await stand(EXAMPLES.queued);

    const statuses = [
      await call('GET', `//generations/${id}`),
      await call('GET', `/generations//${id}/`),
      await call('POST', '//generations', GOOD),
    ].map(({ statusCode }) => statusCode);

    expect(statuses).toEqual([200, 200, 202]);
  });

  it.each([
    ['DELETE', '', 'GET, HEAD'],
    ['GET', '/cancel', 'POST'],
    ['GET', '//retry/', 'POST'],
    ['HEAD', '/retry', 'POST'],
    ['POST', '/timeline', 'GET'],
  ])('%s of an id%s names the allowed methods for any id', async (method, action, allow) => {
    const { call, stand } = apiWorld();
    const { id } = await stand(EXAMPLES.queued);

    for (const one of [id, 'a'.repeat(26), 'malformed'])
      expect(await call(method, `/generations/${one}${action}`)).toMatchObject({
        statusCode: 405,
        headers: { allow },
      });
  });

  it.each([
    ['GET', '', ''],
    ['HEAD', '', ''],
    ['GET', '/timeline', ''],
    ['POST', '/cancel', ''],
    ['POST', '/retry', ''],
    ['POST', '/retry', '{"force": true}'],
    ['POST', '/retry', '{"force": 1}'],
    ['GET', '/elsewhere', ''],
  ])(
    '%s of an id%s with %j gets the same answer for a malformed and an unused id',
    async (method, action, body) => {
      const { call } = apiWorld();
      const ask = async (id: string) => {
        const answer = await call(method, `/generations/${id}${action}`, body);
        return JSON.stringify(answer).replaceAll(id, 'ID');
      };

      const absent = await ask('a'.repeat(26));

      for (const malformed of ['x', 'A'.repeat(26), '%2e%2e', '__proto__', 'a'.repeat(27)])
        expect(await ask(malformed)).toBe(absent);
      expect(absent).toContain(body.includes('1') ? '"statusCode":400' : '"statusCode":404');
    },
  );
});

describe('a timeline', () => {
  it('is read like a record, also of a generation whose large request is gone', async () => {
    const { call, deps } = apiWorld();
    const parameters = { prompt: 'x'.repeat(70_000) };
    const { id } = await deps.generations.accept(EXAMPLES.queued, { ...REQUEST, parameters });

    const { statusCode, body } = await call('GET', `/generations/${id}/timeline`);

    expect(statusCode).toBe(200);
    expect(body).toEqual({
      generationId: id,
      entries: [{ at: EXAMPLES.queued.createdAt, attempt: 1, what: 'accepted' }],
    });
  });

  it('is not found once the generation was deleted, whatever is left of it', async () => {
    const { call, stand, table, items } = apiWorld();
    const { id } = await stand(EXAMPLES.queued);
    const trouble = { since: '', firstAt: {}, count: 1, code: 'upstream_unavailable', message: '' } as const;
    await createTimelines(table).note(EXAMPLES.queued, { ...EXAMPLES.queued, trouble });
    items.delete(`generation#${id} state`);

    expect([...items.keys()]).toContain(`generation#${id} entries#1`);
    expect(await call('GET', `/generations/${id}/timeline`)).toMatchObject({
      statusCode: 404,
      error: { code: 'not_found' },
    });
  });
});

describe('bodies', () => {
  it.each([
    ['/generations', 'Write {"model": "owner/project", "parameters": {…}}. Nothing was run or charged.'],
    ['/uploads', 'Write {"name": "photo.png", "sizeBytes": 1234, "contentType": "image/png"}. Nothing'],
    [`/generations/${EXAMPLES.queued.id}/retry`, 'Write {"force": true}, or no body. This retry started'],
  ])('says what to send to %s instead of another text', async (path, part) => {
    const { call } = apiWorld();

    const answers = [await call('POST', path, 'prompt=a'), await call('POST', path, ' ')];

    for (const { statusCode, error } of answers) {
      expect(statusCode).toBe(400);
      expect(error?.message).toContain(part);
    }
  });

  it('refuses a text in which bytes were replaced, instead of running another prompt', async () => {
    const { deps } = apiWorld();
    const body = Buffer.from('{"model": "wiro/flux", "parameters": {"prompt": "f\ufffdr"}}');

    const answers = await Promise.all(
      [true, false].map((isDamaged) =>
        answerRequest(deps, { method: 'POST', path: '/generations', body, isDamaged }),
      ),
    );

    expect(answers).toMatchObject([
      { statusCode: 400, body: { error: { message: expect.stringContaining('encode it as UTF-8') } } },
      { statusCode: 202 },
    ]);
  });

  it('speaks of charges only where something could have been charged', async () => {
    const { deps } = apiWorld();
    const query = new URLSearchParams({ foo: '1' });

    const answer = await answerRequest(deps, {
      method: 'GET',
      path: '/generations',
      query,
      body: Buffer.of(),
    });

    expect(answer).toMatchObject({
      statusCode: 400,
      body: { error: { message: expect.stringMatching(/^foo is not a query parameter here\..*<name>\.$/) } },
    });
  });

  it.each([
    [Buffer.alloc(1024 * 1024 + 1, 'x'), 413, 'request_too_large', '1048577 bytes, and the limit is 1048576'],
    [Buffer.alloc(7 * 1024 * 1024, 'x'), 413, 'request_too_large', 'Nothing was run or charged.'],
    ['{"model": "a/b",\n  parameters: {}}', 400, 'invalid_request', 'at line 2, column 3, but found "p"'],
    ['model,prompt\na/b,A hill', 400, 'invalid_request', 'looks like CSV'],
    [Buffer.from([0xff, 0xd8, 0xff]), 400, 'invalid_request', 'JSON in UTF-8'],
  ])('refuses %# with an error object that says what it costs', async (body, statusCode, code, part) => {
    const { call } = apiWorld();

    const answer = await call('POST', '/generations', body);

    expect(answer).toMatchObject({
      statusCode,
      body: { error: { code, message: expect.stringContaining(part), retryable: false } },
    });
    expect(answer.error?.message).toMatch(/Nothing was run or charged\.$/);
  });

  it.each([
    [{ force: 'yes' }, 'invalid_parameter', 'force', 'force must be true or false.'],
    [{ force: null }, 'invalid_parameter', 'force', 'force must be true or false.'],
    [{ forced: true }, 'invalid_request', 'forced', 'forced is not a field of a retry'],
    [{ force: true, parameters: {} }, 'invalid_request', 'parameters', 'Send another request'],
    [{ ['__proto__']: 1 }, 'invalid_request', '__proto__', 'is not a field of a retry'],
    [[], 'invalid_request', undefined, 'must be a JSON object'],
    ['null', 'invalid_request', undefined, 'must be a JSON object'],
    ['{"force": tru}', 'invalid_request', undefined, 'at line 1, column 11, but found "t"'],
  ])('refuses a retry with %j', async (body, code, field, part) => {
    const { call, stand, generation } = apiWorld();
    const { id } = await stand(EXAMPLES.failed);

    const answer = await call('POST', `/generations/${id}/retry`, body);

    expect(answer).toMatchObject({
      statusCode: 400,
      error: { code, message: expect.stringContaining(part) },
    });
    expect(answer.error?.field).toBe(field);
    expect(await generation(id)).toMatchObject({ status: 'failed', attempt: 1 });
  });
});

describe('labels', () => {
  const NAMES = [
    '__proto__',
    'constructor',
    'toString',
    'a.b',
    'für wen?',
    '😀',
    '',
    ' ',
    '1',
    'x'.repeat(256),
  ];

  it('may have any name, and appear in the record as sent', async () => {
    const { call } = apiWorld();
    const labels = Object.fromEntries(NAMES.map((name, index) => [name, `label ${index}`]));

    const answer = await call('POST', '/generations', { ...GOOD, labels });
    const again = await call('POST', '/generations', { ...GOOD, labels });

    expect(answer.statusCode).toBe(202);
    const record = JSON.parse(JSON.stringify(answer.body));
    expect(Object.entries(record.labels).toSorted()).toEqual(Object.entries(labels).toSorted());
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(again).toMatchObject({ statusCode: 202, body: { id: record.id } });
  });

  it.each([
    [{ ['x'.repeat(257)]: 'a' }, 'too long: use at most 256'],
    [{ '\ud800': 'a' }, 'half of a character'],
    [{ ['__proto__']: 7 }, 'labels.__proto__ must be text'],
  ])('refuses %#', async (labels, part) => {
    const { call } = apiWorld();

    expect(await call('POST', '/generations', { ...GOOD, labels })).toMatchObject({
      statusCode: 400,
      error: { message: expect.stringContaining(part) },
    });
  });
});

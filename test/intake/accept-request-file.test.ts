import { describe, expect, it } from 'vitest';
import type { Generation } from '../../functions/generation/generation.ts';
import { acceptRequestFile, type FileDelivery } from '../../functions/intake/accept-request-file.ts';
import { isTooLarge, tooLarge } from '../../functions/intake/parse-request-file.ts';
import type { AcceptedRequest } from '../../functions/request/accepted-request.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { at } from '../generation/examples.ts';

const FILE = { bucket: 'photos', key: 'requests/batch.json', version: 'v1' };
const RESULTS = { bucket: 'photos', key: 'results/batch.json' };

/** Objects by key, and a store in memory that can fail at the nth acceptance. */
function acceptWorld({ objects: given = ['a.png'], breaksAt = Infinity } = {}) {
  const objects = new Set(given);
  const generations = new Map<string, Generation>();
  const requests: AcceptedRequest[] = [];
  let accepts = 0;
  return {
    objects,
    generations,
    requests,
    deps: {
      deployment: 'shop',
      rules: { inputBucket: 'photos', furtherBuckets: [] },
      inputs: {
        head: async ({ bucket, key }: { bucket: string; key: string }) =>
          objects.has(key) ? { bucket, key, etag: '"1"', sizeBytes: 3 } : undefined,
      },
      generations: {
        get: async (id: string) => generations.get(id),
        accept: async (generation: Generation, request: AcceptedRequest) => {
          accepts += 1;
          if (accepts === breaksAt) throw new Error('throttled');
          const standing = generations.get(generation.id);
          if (standing !== undefined) return standing;
          generations.set(generation.id, generation);
          requests.push(request);
          return generation;
        },
      },
      knownModel: async () => undefined,
      durations: DURATIONS,
      clock: () => new Date(at(0)),
    },
  };
}

const one = (over: object = {}) => ({ model: 'wiro/flux', parameters: { prompt: 'a cat' }, ...over });
const FIRST: FileDelivery = {
  isLast: false,
  settle: async (outcome) => outcome,
  hasTime: () => true,
};
const accept = (
  world: ReturnType<typeof acceptWorld>,
  value: unknown,
  file = FILE,
  delivery: Partial<FileDelivery> = {},
) =>
  acceptRequestFile(world.deps, file, typeof value === 'string' ? value : JSON.stringify(value), RESULTS, {
    ...FIRST,
    ...delivery,
  });
const codes = (outcome: Awaited<ReturnType<typeof accept>>) =>
  outcome.kind === 'rejected' ? outcome.errors.map(({ code, field }) => [code, field]) : outcome.kind;

describe('a request file', () => {
  it('keeps ten thousand problems, and then the first of each request, however long they are', async () => {
    const wrong = one({ inputs: { ['x'.repeat(480)]: Array.from({ length: 100 }, () => 1) } });

    const outcome = await accept(
      acceptWorld(),
      Array.from({ length: 120 }, () => wrong),
    );

    if (outcome.kind !== 'rejected') throw new Error('It was accepted');
    expect([outcome.errors.length, outcome.total]).toEqual([100, 10_020]);
  });

  it.each([
    ['one request', one(), 1],
    ['an array of them', [one(), one({ inputs: { image: 'a.png' } })], 2],
    ['a byte order mark', `\uFEFF${JSON.stringify(one())}`, 1],
  ])('with %s is accepted', async (_, value, count) => {
    const world = acceptWorld();

    const outcome = await accept(world, value);

    const ids = [...world.generations.keys()];
    expect(outcome).toEqual({ kind: 'accepted', ids, total: count, repeated: [] });
    expect(world.generations.size).toBe(count);
  });

  it('gives each request the key of its results file', async () => {
    const world = acceptWorld();

    await accept(world, [one(), one()]);

    expect(world.requests.map(({ results }) => results)).toEqual([
      { ...RESULTS, index: 0, total: 2 },
      { ...RESULTS, index: 1, total: 2 },
    ]);
  });

  it('makes two generations of the same request twice, and one if both have the same key', async () => {
    const world = acceptWorld();

    const twice = await accept(world, [one(), one()]);
    const once = await accept(world, [one({ idempotencyKey: 'k' }), one({ idempotencyKey: 'k' })]);

    expect('ids' in twice && twice.ids.length).toBe(2);
    expect('ids' in once && once.ids.length).toBe(1);
    expect(world.generations.size).toBe(3);
    expect(world.requests.at(-1)?.results).toEqual({ ...RESULTS, index: 0, total: 1 });
  });

  it('delivered again is the same generations; put again, it is new ones', async () => {
    const world = acceptWorld();

    const first = await accept(world, [one(), one()]);
    const again = await accept(world, [one(), one()]);
    await accept(world, [one(), one()], { ...FILE, version: 'v2' });

    expect(again).toEqual(first);
    expect(world.generations.size).toBe(4);
  });

  it('whose acceptance was killed is accepted whole with the next delivery', async () => {
    const world = acceptWorld({ breaksAt: 13 });
    const values = Array.from({ length: 30 }, () => one());

    await expect(accept(world, values)).rejects.toThrow('throttled');
    const outcome = await accept(world, values);

    expect('ids' in outcome && outcome.ids.length).toBe(30);
    expect(world.generations.size).toBe(30);
  });

  it.each([
    ['no JSON', '{"model":', [['invalid_request', undefined]]],
    ['nothing', '', [['invalid_request', undefined]]],
    ['an empty array', [], [['invalid_request', undefined]]],
    [
      'over a thousand requests',
      Array.from({ length: 1_001 }, () => one()),
      [['invalid_request', undefined]],
    ],
    ['over a megabyte', `"${'x'.repeat(1024 * 1024)}"`, [['request_too_large', undefined]]],
    ['text', '"x"', [['invalid_request', undefined]]],
    [
      'several that are wrong, each named',
      [one(), one({ model: 'flux' }), 7, one({ inputs: { image: 's3://secrets/x' } })],
      [
        ['invalid_parameter', '[1].model'],
        ['invalid_request', undefined],
        ['input_not_allowed', '[3].inputs.image'],
      ],
    ],
    [
      'missing inputs, in the order of the file',
      [one({ inputs: { image: 'b.png' } }), one(), one({ inputs: { image: ['a.png', 'c.png'] } })],
      [
        ['input_not_found', '[0].inputs.image'],
        ['input_not_found', '[2].inputs.image[1]'],
      ],
    ],
    [
      'one key for different requests',
      [one({ idempotencyKey: 'k' }), one({ idempotencyKey: 'k', labels: { a: 'b' } })],
      [['idempotency_conflict', '[1].idempotencyKey']],
    ],
  ])('with %s is rejected, and nothing of it is accepted', async (_, value, expected) => {
    const world = acceptWorld();

    const outcome = await accept(world, value);

    expect(codes(outcome)).toEqual(expected);
    expect(world.generations.size).toBe(0);
  });

  it('with a key that an earlier file used for another request is rejected', async () => {
    const world = acceptWorld();
    await accept(world, one({ idempotencyKey: 'k' }));

    const outcome = await accept(world, [one(), one({ idempotencyKey: 'k', labels: { a: 'b' } })], {
      ...FILE,
      version: 'v2',
    });

    expect(codes(outcome)).toEqual([['idempotency_conflict', '[1].idempotencyKey']]);
    expect(world.generations.size).toBe(1);
  });

  it('names every problem of every request at once, whichever check finds it', async () => {
    const world = acceptWorld();
    const schema = {
      parameters: [
        { id: 'prompt', type: 'textarea', required: true },
        { id: 'steps', type: 'number', required: true },
        { id: 'image', type: 'multifileinput', required: false },
      ],
    };
    const deps = {
      ...world.deps,
      knownModel: async () => ({ kind: 'model', modelKind: 'plain', schema }) as const,
    };
    const requests = [
      one({ parameters: { prompt: '' }, inputs: { image: ['b.png', 'a.png', 'c.png'], mask: 'a.png' } }),
      {
        model: 'flux',
        prompt: 'x',
        labels: { a: 1, b: 2 },
        inputs: { image: ['ftp://x', 7] },
        idempotencyKey: '',
      },
      one({ parameters: { prompt: 'x', steps: 4 } }),
      one({ parameters: { prompt: '\ud800', seed: 1e300, callbackUrl: 'https://x' } }),
    ];

    const outcome = await acceptRequestFile(deps, FILE, JSON.stringify(requests), RESULTS, FIRST);

    expect(codes(outcome)).toEqual([
      ['invalid_parameter', '[0].inputs.mask'],
      ['invalid_parameter', '[0].parameters.prompt'],
      ['invalid_parameter', '[0].parameters.steps'],
      ['input_not_found', '[0].inputs.image[0]'],
      ['input_not_found', '[0].inputs.image[2]'],
      ['invalid_request', '[1].prompt'],
      ['invalid_parameter', '[1].inputs.image[0]'],
      ['invalid_parameter', '[1].inputs.image[1]'],
      ['invalid_parameter', '[1].idempotencyKey'],
      ['invalid_parameter', '[1].model'],
      ['invalid_parameter', '[1].labels.a'],
      ['invalid_parameter', '[1].labels.b'],
      ['invalid_parameter', '[3].parameters.prompt'],
      ['invalid_parameter', '[3].parameters.seed'],
      ['invalid_parameter', '[3].parameters.callbackUrl'],
      ['invalid_parameter', '[3].parameters.steps'],
    ]);
    expect(outcome.kind === 'rejected' && outcome.errors[1]?.message).toBe(
      '[0].parameters.prompt is empty: wiro/flux requires it.',
    );
    expect(world.generations.size).toBe(0);
  });

  it('names the problems inside the file even if S3 and Wiro do not answer', async () => {
    const world = acceptWorld();
    const head = async () => Promise.reject(new Error('S3 is away'));

    const outcome = await acceptRequestFile(
      { ...world.deps, inputs: { head } },
      FILE,
      JSON.stringify([one({ inputs: { image: 'a.png' } }), 7]),
      RESULTS,
      FIRST,
    );

    expect(codes(outcome)).toEqual([['invalid_request', undefined]]);
  });

  it('names at most a hundred errors', async () => {
    const outcome = await accept(
      acceptWorld(),
      Array.from({ length: 300 }, () => 7),
    );

    expect(codes(outcome)).toHaveLength(100);
  });

  it('of a megabyte is read, and of one byte more is not', () => {
    expect([isTooLarge(1_048_576), isTooLarge(1_048_577)]).toEqual([false, true]);
    expect(tooLarge(1_048_577)).toMatchObject({ code: 'request_too_large', retryable: false });
  });
});

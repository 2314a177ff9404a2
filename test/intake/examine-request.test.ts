import { describe, expect, it } from 'vitest';
import { type ExamineDeps, examineRequest } from '../../functions/intake/examine-request.ts';
import type { FindModel, KnownModel } from '../../functions/intake/known-models.ts';
import type { GenerationRequest } from '../../functions/request/request.ts';
import type { ModelParameter } from '../../functions/wiro/types.ts';
import { doorWorld } from './door-world.ts';

const PROMPT: ModelParameter = { id: 'prompt', type: 'text', required: true };
const STEPS: ModelParameter = { id: 'steps', type: 'number', required: true };
const model = (parameters: readonly ModelParameter[], price?: number): KnownModel => ({
  kind: 'model',
  modelKind: 'plain',
  schema: { parameters },
  ...(price !== undefined && { prices: [{ inputs: {}, price, priceMethod: 'cpr' }] }),
});

const REQUEST: GenerationRequest = {
  model: 'wiro/flux',
  parameters: { prompt: 'x' },
  inputs: {},
  labels: {},
};

/** Examines with a model that is cached as it was, and that Wiro describes as it is. */
async function examineCached(
  { cached, now }: { readonly cached: KnownModel; readonly now: KnownModel | undefined },
  request = REQUEST,
  more: Partial<ExamineDeps> = {},
) {
  const asked: boolean[] = [];
  const knownModel: FindModel = async (_, { isAnew = false } = {}) => {
    asked.push(isAnew);
    if (isAnew) return now;
    return cached.kind === 'model' ? { ...cached, isCached: true } : cached;
  };
  const deps = { inputs: { head: async () => undefined }, knownModel, ...more };
  return { asked, examined: await examineRequest(deps, request) };
}

describe('a cached schema', () => {
  it('refuses only what Wiro refuses now', async () => {
    const { asked, examined } = await examineCached({
      cached: model([PROMPT, STEPS]),
      now: model([PROMPT]),
    });

    expect(asked).toEqual([false, true]);
    expect(examined.problems).toEqual([]);
  });

  it('refuses for the reasons that there are now', async () => {
    const { examined } = await examineCached({
      cached: model([PROMPT, { ...STEPS, id: 'size' }]),
      now: model([PROMPT, STEPS]),
    });

    expect(examined.problems.map(({ field }) => field)).toEqual(['parameters.steps']);
  });

  it('is not read anew for what it lets pass', async () => {
    const { asked } = await examineCached({ cached: model([PROMPT]), now: undefined });

    expect(asked).toEqual([false]);
  });

  it('refuses nothing when it cannot be read anew, and that is said', async () => {
    const { examined } = await examineCached({ cached: model([PROMPT, STEPS]), now: undefined });

    expect(examined).toMatchObject({ problems: [], schemaUnchecked: true });
  });

  it('still keeps a request from costing more than it may', async () => {
    const { examined } = await examineCached(
      { cached: model([PROMPT, STEPS], 0.5), now: undefined },
      { ...REQUEST, maxCostUsd: 0.1 },
    );

    expect(examined.problems.map(({ code }) => code)).toEqual(['price_too_high']);
  });

  it('accepts what has become cheaper', async () => {
    const { examined } = await examineCached(
      { cached: model([PROMPT], 0.5), now: model([PROMPT], 0.05) },
      { ...REQUEST, maxCostUsd: 0.1 },
    );

    expect(examined).toMatchObject({ problems: [], price: { usd: 0.05 } });
  });
});

describe('an unknown parameter', () => {
  const request = { ...REQUEST, parameters: { prompt: 'x', stepps: 4 } };
  const cached = model([PROMPT, { ...STEPS, required: false }]);

  it('is a warning', async () => {
    const { asked, examined } = await examineCached({ cached, now: cached }, request);

    expect(examined.problems).toEqual([]);
    expect(examined.warnings).toEqual([
      {
        code: 'unknown_parameter',
        message: 'parameters.stepps is not a parameter that wiro/flux lists. Did you mean "steps"?',
        field: 'parameters.stepps',
      },
    ]);
    expect(asked).toEqual([false]);
  });

  it('is refused where the deployment says so', async () => {
    const { asked, examined } = await examineCached({ cached, now: cached }, request, {
      unknownParameters: 'refuse',
    });

    expect(examined.warnings).toEqual([]);
    expect(examined.problems).toMatchObject([{ code: 'invalid_parameter', field: 'parameters.stepps' }]);
    expect(asked).toEqual([false, true]);
  });

  it('is no more than twenty warnings, which are kept with the request', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x${n}`, 1]));

    const { examined } = await examineCached(
      { cached, now: cached },
      { ...REQUEST, parameters: { prompt: 'x', ...many } },
    );

    expect(examined.warnings).toHaveLength(20);
  });
});

describe('a limit of cost', () => {
  const examine = async (known: KnownModel | undefined) => {
    const deps = { inputs: { head: async () => undefined }, knownModel: async () => known };
    const { problems, warnings } = await examineRequest(deps, { ...REQUEST, maxCostUsd: 0.1 });
    return [...problems, ...warnings].map(({ code, field }) => [code, field]);
  };
  const priced = (priceMethod: string, more: object = {}): KnownModel => ({
    kind: 'model',
    modelKind: 'plain',
    schema: { parameters: [PROMPT] },
    prices: [{ inputs: {}, price: 0.2, priceMethod }],
    ...more,
  });

  it.each<[string, KnownModel | undefined, readonly string[]]>([
    ['a price above it', priced('cpr'), ['price_too_high']],
    ['a price at it', model([PROMPT], 0.1), []],
    ['an estimate above it', priced('cps', { approximateCostUsd: 0.2 }), ['price_may_be_higher']],
    ['an estimate below it', priced('cps', { approximateCostUsd: 0.01 }), []],
    ['an unknown price', priced('cpt'), ['price_unknown']],
    ['a model that cannot be looked up', undefined, ['price_unknown']],
  ])('and %s', async (_, known, codes) => {
    expect(await examine(known)).toEqual(codes.map((code) => [code, 'maxCostUsd']));
  });
});

describe('a deployment that runs some models', () => {
  const examine = async (name: string) => {
    const { asked, examined } = await examineCached(
      { cached: model([PROMPT]), now: undefined },
      { ...REQUEST, model: name },
      { allowedModels: ['wiro/*', 'google/veo3.1', 'google/imagen*'] },
    );
    return [examined.problems.map(({ code }) => code), asked.length];
  };

  it.each(['wiro/flux', 'Wiro/Anything', 'google/veo3.1', 'google/imagen4'])('runs %s', async (name) => {
    expect(await examine(name)).toEqual([[], 1]);
  });

  it.each(['google/veo3', 'google/veo3.11', 'wirox/flux', 'other/wiro', 'google/x-imagen'])(
    'refuses %s, and asks nobody about it',
    async (name) => {
      expect(await examine(name)).toEqual([['model_not_allowed'], 0]);
    },
  );

  it('refuses others at every door', async () => {
    const world = doorWorld();
    Object.assign(world.deps, { allowedModels: ['google/*'] });
    world.put('uploads/portraits/a.png', 'x');

    const answer = await world.post(REQUEST);
    await world.ask('event-1', REQUEST);
    await world.deliver(world.put('requests/one.json', JSON.stringify(REQUEST)));
    await world.deliver(world.put('uploads/portraits/a.png', 'x'));

    const refused = { code: 'model_not_allowed', field: 'model' };
    expect(answer).toMatchObject({ statusCode: 400, body: { error: { ...refused, problems: [refused] } } });
    expect(world.told).toMatchObject([{ detail: { error: { ...refused, problems: [refused] } } }]);
    expect([...world.written.values()]).toMatchObject([
      { errors: [refused] },
      { status: 'rejected', error: { ...refused, problems: [refused] } },
    ]);
    expect(world.accepted()).toEqual([]);
  });
});

describe('a request with several problems', () => {
  const BAD = { model: 'wiro/flux', parameters: {}, labels: { a: 1 }, inputs: { image: 'no.png' } };
  const fields = ['labels.a', 'parameters.prompt', 'inputs.image'];
  const badWorld = () =>
    doorWorld({
      knownModel: async () => model([PROMPT, { id: 'image', type: 'fileinput', required: false }]),
    });
  const listed = (problems: readonly { readonly field?: string }[]) => problems.map(({ field }) => field);

  it('is told of all of them by the API, the first one first', async () => {
    const world = badWorld();

    const { body } = await world.post(BAD);

    const { error } = body as { error: { field: string; problems: [] } };
    expect([error.field, listed(error.problems)]).toEqual(['labels.a', fields]);
  });

  it('is told of all of them in its file, and by an event', async () => {
    const world = badWorld();

    await world.deliver(world.put('requests/one.json', JSON.stringify(BAD)));
    await world.ask('event-1', BAD);

    const [file] = [...world.written.values()] as { errors: [] }[];
    expect(listed(file?.errors ?? [])).toEqual(fields);
    expect(world.told).toMatchObject([
      { detail: { error: { field: 'labels.a', problems: fields.map((field) => ({ field })) } } },
    ]);
  });

  it('is told of those of its form when S3 is away', async () => {
    const world = badWorld();
    world.faults.head = () => new Error('S3 is away');

    const { statusCode, body } = await world.post({ ...BAD, parameters: { prompt: 'x' } });

    expect([statusCode, body]).toMatchObject([400, { error: { problems: [{ field: 'labels.a' }] } }]);
  });

  it('fits into an event however long its problems are', async () => {
    const world = doorWorld();
    const parameters = Object.fromEntries(
      Array.from({ length: 200 }, (_, n) => [`${n}${'€'.repeat(5_000)}`, 1]),
    );

    await world.ask('event-1', { model: 'wiro/flux', parameters });

    expect(Buffer.byteLength(JSON.stringify(world.told))).toBeLessThan(200_000);
    expect(world.told).toMatchObject([{ detail: { error: { problems: expect.any(Array) } } }]);
  });

  it('that asks an event or a file for a dry run is sent to the API', async () => {
    const world = doorWorld();

    await world.ask('event-1', { model: 'wiro/flux', dryRun: true });

    expect(world.told).toMatchObject([
      {
        detail: {
          error: {
            code: 'invalid_parameter',
            field: 'dryRun',
            message: expect.stringMatching(/POST \/generations/),
          },
        },
      },
    ]);
  });
});

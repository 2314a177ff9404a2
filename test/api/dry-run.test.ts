import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DryRun } from '../../functions/api/dry-run.ts';
import { createKnownModels } from '../../functions/intake/known-models.ts';
import { createDailyLimit } from '../../functions/store/daily-limit.ts';
import { createModelCache } from '../../functions/store/model-cache.ts';
import { parseModel } from '../../functions/wiro/answers/parse-model.ts';
import { describeModel, findModel } from '../../local/simulator/models.ts';
import { catalogue } from '../intake/catalogue.ts';
import { doorWorld } from '../intake/door-world.ts';
import { createMemoryTable, type Item } from '../store/memory-table.ts';

afterEach(() => void vi.restoreAllMocks());

const GOOD = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };

function dryWorld(more: object = {}) {
  const world = doorWorld({ knownModel: catalogue });
  Object.assign(world.deps, more);
  const ask = async (request: object) => {
    const { statusCode, body } = await world.post({ ...request, dryRun: true });
    expect(statusCode).toBe(200);
    return body as DryRun;
  };
  return { ...world, ask };
}

describe('a dry run', () => {
  it('of a right request says what it costs and who waits before it', async () => {
    const { ask } = dryWorld();

    expect(await ask(GOOD)).toEqual({
      dryRun: true,
      valid: true,
      problems: [],
      warnings: [],
      price: { certainty: 'exact', usd: 0.04, method: 'cpr' },
      ahead: 0,
    });
  });

  it('of a wrong request lists everything, a misspelled parameter too', async () => {
    const { ask } = dryWorld();

    const answer = await ask({
      ...GOOD,
      parameters: { promt: 'A hill', width: 100 },
      labels: { a: 1 },
      maxCostUsd: 0.01,
    });

    expect(answer.valid).toBe(false);
    expect(answer.problems.map(({ code, field }) => [code, field])).toEqual([
      ['invalid_parameter', 'labels.a'],
      ['invalid_parameter', 'parameters.prompt'],
      ['invalid_parameter', 'parameters.width'],
      ['invalid_parameter', 'parameters.promt'],
      ['price_too_high', 'maxCostUsd'],
    ]);
    expect(answer.problems[3]?.message).toMatch(/Did you mean "prompt"\?$/);
    expect(answer.price).toMatchObject({ usd: 0.04 });
    expect(answer).not.toHaveProperty('ahead');
  });

  it('of a request without a readable model says what is wrong with it', async () => {
    const { ask } = dryWorld();

    expect(await ask({ model: 'x', parameters: {} })).toMatchObject({
      valid: false,
      problems: [{ field: 'model' }],
      price: { certainty: 'unknown' },
    });
  });

  it('says that the schema could not be had', async () => {
    const { ask } = dryWorld({ knownModel: async () => undefined });

    expect(await ask(GOOD)).toMatchObject({
      valid: true,
      schemaUnchecked: true,
      price: { certainty: 'unknown', note: expect.stringContaining('could not be asked') },
    });
  });

  it('names the generation that the key stands for, or says that it stands for another request', async () => {
    const { ask, post } = dryWorld();
    const first = (await post({ ...GOOD, idempotencyKey: 'k' })).body as { id: string };

    const same = await ask({ ...GOOD, idempotencyKey: 'k', maxCostUsd: 0.000001 });
    const other = await ask({ ...GOOD, idempotencyKey: 'k', labels: { a: 'b' } });

    expect(same).toMatchObject({ valid: true, problems: [], repeats: first.id });
    expect(other).toMatchObject({ valid: false, problems: [{ code: 'idempotency_conflict' }] });
    expect(other).not.toHaveProperty('repeats');
  });

  it.each(['yes', 1, null])('is asked for by true or false, not by %j', async (dryRun) => {
    const { post, accepted } = dryWorld();

    const answer = await post({ ...GOOD, dryRun });

    expect(answer).toMatchObject({ statusCode: 400, body: { error: { field: 'dryRun' } } });
    expect(accepted()).toEqual([]);
  });

  it('that is false is none', async () => {
    expect(await dryWorld().post({ ...GOOD, dryRun: false })).toMatchObject({ statusCode: 202 });
  });

  it('writes nothing at all: no record, no count, no cached schema', async () => {
    const items = new Map<string, Item>();
    const commands: string[] = [];
    const table = createMemoryTable(async (name) => void commands.push(name), items);
    const knownModel = createKnownModels({
      cache: createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000 }),
      wiro: {
        async model(name) {
          const [owner = '', project = ''] = name.split('/');
          const found = findModel(owner, project);
          return found && parseModel(describeModel(found));
        },
      },
      limitMs: 1_000,
      furtherKinds: [],
    });
    const dailyLimit = createDailyLimit(table, { limit: 1 });
    const { ask, accepted, submitted } = dryWorld({ knownModel, dailyLimit });

    for (const request of [GOOD, GOOD, { ...GOOD, parameters: {} }, { model: 'wiro/none' }])
      await ask({ ...request, idempotencyKey: 'k' });

    expect([accepted(), submitted, items.size]).toEqual([[], [], 0]);
    expect(new Set(commands)).toEqual(new Set(['GetItem']));
  });

  it('says that no more are accepted today', async () => {
    const dailyLimit = createDailyLimit(createMemoryTable(), { limit: 1 });
    const { ask, post } = dryWorld({ dailyLimit });
    await post(GOOD);

    expect(await ask(GOOD)).toMatchObject({ valid: false, problems: [{ code: 'daily_limit_reached' }] });
  });
});

describe('what is kept of a request', () => {
  it('is its price and its warnings, which the record shows', async () => {
    const { post } = dryWorld();

    const { body } = await post({ ...GOOD, parameters: { prompt: 'x', wdth: 512 }, maxCostUsd: 1 });

    expect(body).toMatchObject({
      priceUsd: 0.04,
      priceCertainty: 'exact',
      warnings: [{ code: 'unknown_parameter', field: 'parameters.wdth' }],
    });
    expect(body).not.toHaveProperty('schemaUnchecked');
    expect(body).not.toHaveProperty('repeated');
  });

  it('is that it could not be checked', async () => {
    const { body } = await dryWorld({ knownModel: async () => undefined }).post(GOOD);

    expect(body).toMatchObject({ schemaUnchecked: true, priceCertainty: 'unknown' });
    expect(body).not.toHaveProperty('priceUsd');
  });

  it('is not that it was repeated: only the answer says so', async () => {
    const { post } = dryWorld();
    const keyed = { ...GOOD, idempotencyKey: 'k' };

    const [first, again, third] = [
      await post(keyed),
      await post({ ...keyed, maxCostUsd: 0.001 }),
      await post({ ...GOOD, idempotencyKey: 'other' }),
    ];

    expect(again).toEqual({ ...first, body: { ...first.body, repeated: true } });
    expect(third.body).not.toHaveProperty('repeated');
  });
});

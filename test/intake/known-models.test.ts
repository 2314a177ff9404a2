import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createKnownModels } from '../../functions/intake/known-models.ts';
import { log } from '../../functions/runtime/log.ts';
import type { FurtherModelKind } from '../../functions/settings.ts';
import { createModelCache } from '../../functions/store/model-cache.ts';
import type { Model, ModelKind } from '../../functions/wiro/types.ts';
import { createMemoryTable } from '../store/memory-table.ts';

const warn = vi.spyOn(log, 'warn');
beforeEach(() => {
  warn.mockReset();
});

/** A Wiro with one model of a kind. */
function modelWorld({
  kind,
  furtherKinds = [],
}: {
  readonly kind: ModelKind;
  readonly furtherKinds?: readonly FurtherModelKind[];
}) {
  const asked: string[] = [];
  const health = { wiro: true };
  const cache = createModelCache(createMemoryTable(), { keepMs: 600_000, clockSkewMs: 5_000 });
  const wiro = {
    async model(name: string): Promise<Model> {
      asked.push(name);
      if (!health.wiro) throw new Error('Wiro answered 503');
      return { name, kind, slugs: [], parameters: [] };
    },
  };
  return {
    asked,
    health,
    knownModel: createKnownModels({ cache, wiro, limitMs: 1_000, renewMs: 10_000, furtherKinds }),
  };
}

describe('a model', () => {
  it.each(['realtime', 'training'] as const)(
    'that is %s is not run, also if it comes from the cache',
    async (kind) => {
      const { asked, knownModel } = modelWorld({ kind });

      const answers = [await knownModel('wiro/it'), await knownModel('wiro/it')];

      const refused = { kind: 'unsupportedModel', modelKind: kind };
      expect(answers).toEqual([refused, refused]);
      expect(asked).toHaveLength(1);
    },
  );

  it.each<[ModelKind, readonly FurtherModelKind[], string]>([
    ['plain', [], 'model'],
    ['realtime', ['realtime'], 'model'],
    ['training', ['realtime', 'training'], 'model'],
    ['training', ['realtime'], 'unsupportedModel'],
    ['realtime', ['training'], 'unsupportedModel'],
  ])('of the kind %s in a deployment that runs %j is a %s', async (kind, furtherKinds, expected) => {
    const { knownModel } = modelWorld({ kind, furtherKinds });

    expect((await knownModel('wiro/it'))?.kind).toBe(expected);
  });

  it('that Wiro does not describe in time passes, and the log says so', async () => {
    const { health, knownModel } = modelWorld({ kind: 'realtime' });
    health.wiro = false;

    const answer = await knownModel('wiro/it');

    expect(answer).toBeUndefined();
    expect(warn.mock.calls).toMatchObject([
      [expect.any(String), { why: 'Wiro decides when it is run', model: 'wiro/it' }],
    ]);
  });
});

describe('asking Wiro', () => {
  /** A Wiro that describes a model otherwise each time, and one that does not exist. */
  function changingWorld() {
    const table = createMemoryTable();
    const cache = createModelCache(table, { keepMs: 600_000, clockSkewMs: 5_000 });
    const time = { ms: 0 };
    const asked: string[] = [];
    const knownModel = createKnownModels({
      cache,
      wiro: {
        async model(name): Promise<Model | undefined> {
          asked.push(name);
          if (name === 'wiro/none') return undefined;
          const prices = [{ inputs: {}, price: asked.length, priceMethod: 'cpr' }];
          return { name, kind: 'plain', slugs: [], parameters: [], prices };
        },
      },
      limitMs: 1_000,
      renewMs: 10_000,
      furtherKinds: [],
      suggest: async (name) => (name === 'wiro/none' ? 'wiro/one' : undefined),
      monotonic: () => time.ms,
    });
    return { asked, time, cache, knownModel };
  }

  it('anew passes by the cache, and fills it', async () => {
    const { time, cache, knownModel } = changingWorld();
    await knownModel('wiro/it');
    time.ms = 10_000;

    const cached = await knownModel('wiro/it');
    const anew = await knownModel('wiro/it', { isAnew: true });

    expect(cached).toMatchObject({ isCached: true, prices: [{ price: 1 }] });
    expect(anew).toMatchObject({ prices: [{ price: 2 }] });
    expect(anew).not.toHaveProperty('isCached');
    expect(await cache.get('wiro/it')).toMatchObject({ prices: [{ price: 2 }] });
  });

  it('anew is one question for all that ask within its time, and asks again later', async () => {
    const { asked, time, knownModel } = changingWorld();
    const all = () => Promise.all(Array.from({ length: 50 }, () => knownModel('wiro/it', { isAnew: true })));

    await all();
    time.ms = 9_999;
    await all();
    const first = asked.length;
    time.ms = 10_000;
    await all();

    expect([first, asked.length]).toEqual([1, 2]);
  });

  it('does not cache what is only looked at', async () => {
    const { cache, knownModel } = changingWorld();

    const found = await knownModel('wiro/it', { isReadOnly: true });

    expect(found?.kind).toBe('model');
    expect(await cache.get('wiro/it')).toBeUndefined();
  });

  it('for a model that does not exist suggests another', async () => {
    const { knownModel } = changingWorld();

    expect(await knownModel('wiro/none')).toEqual({ kind: 'unknownModel', suggestion: 'wiro/one' });
  });

  it('is tried again at once when it failed', async () => {
    const { asked, health, knownModel } = modelWorld({ kind: 'plain' });
    health.wiro = false;
    await knownModel('wiro/it');
    health.wiro = true;

    expect((await knownModel('wiro/it'))?.kind).toBe('model');
    expect(asked).toHaveLength(2);
  });
});

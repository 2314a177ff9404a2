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
  const cache = createModelCache(createMemoryTable(), { keepMs: 600_000 });
  const wiro = {
    async model(name: string): Promise<Model> {
      asked.push(name);
      if (!health.wiro) throw new Error('Wiro answered 503');
      return { name, kind, slugs: [], parameters: [] };
    },
  };
  return { asked, health, knownModel: createKnownModels({ cache, wiro, limitMs: 1_000, furtherKinds }) };
}

describe('a model', () => {
  it.each(['realtime', 'training'] as const)(
    'that is %s is not run here, from the cache too',
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
  ])('that is %s is, where the deployment runs %j, a %s', async (kind, furtherKinds, expected) => {
    const { knownModel } = modelWorld({ kind, furtherKinds });

    expect((await knownModel('wiro/it'))?.kind).toBe(expected);
  });

  it('that Wiro does not tell of is let through, and the log says so', async () => {
    const { health, knownModel } = modelWorld({ kind: 'realtime' });
    health.wiro = false;

    const answer = await knownModel('wiro/it');

    expect(answer).toBeUndefined();
    expect(warn.mock.calls).toMatchObject([
      [expect.any(String), { why: 'Wiro decides when it is run', model: 'wiro/it' }],
    ]);
  });
});

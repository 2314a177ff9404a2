import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createModelSuggestions } from '../../functions/intake/suggest-model.ts';
import { log } from '../../functions/runtime/log.ts';
import { parseModel } from '../../functions/wiro/answers/parse-model.ts';
import type { ModelQuery } from '../../functions/wiro/types.ts';
import { describeModel, searchModels } from '../../local/simulator/models.ts';

const warn = vi.spyOn(log, 'warn');
beforeEach(() => void warn.mockReset());

function suggestions({ isAway = false } = {}) {
  const asked: ModelQuery[] = [];
  const time = { ms: 0 };
  const suggest = createModelSuggestions({
    wiro: {
      async models(query) {
        asked.push(query);
        if (isAway) throw new Error('Wiro answered 503');
        const found = searchModels({ search: query.search, slugowner: query.owner });
        return { models: found.map((one) => parseModel(describeModel(one))) };
      },
    },
    limitMs: 1_000,
    monotonic: () => time.ms,
  });
  return { asked, time, suggest };
}

describe('the model that was probably meant', () => {
  it.each([
    ['wiro/text-to-imge', 'wiro/text-to-image'],
    ['wiro/colage', 'wiro/collage'],
    ['wirro/group-portrait', 'wiro/group-portrait'],
    ['Wiro/Group_Portrait', 'wiro/group-portrait'],
    ['wiro/no-such-model', undefined],
    ['google/veo3', undefined],
  ])('by %s is %s', async (name, meant) => {
    expect(await suggestions().suggest(name)).toBe(meant);
  });

  it('is not known while Wiro cannot be asked', async () => {
    expect(await suggestions({ isAway: true }).suggest('wiro/colage')).toBeUndefined();
  });

  it('is looked for ten times a minute', async () => {
    const { asked, time, suggest } = suggestions();
    for (let n = 0; n < 100; n += 1) await suggest(`a/b${n}`);
    const first = asked.length;

    time.ms = 60_000;
    await suggest('wiro/colage');

    expect([first, asked.length]).toEqual([10, 12]);
  });
});

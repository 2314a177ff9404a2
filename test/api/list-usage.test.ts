import { describe, expect, it } from 'vitest';
import { listUsage, type Usage } from '../../functions/api/list-usage.ts';
import { RequestError } from '../../functions/generation/errors.ts';
import type { UsageQuery, UsageRow } from '../../functions/store/usage-reader.ts';

const ROW: UsageRow = {
  day: '2026-11-28',
  model: 'wiro/flux',
  labels: { team: 'red' },
  succeeded: 3,
  failed: 1,
  cancelled: 2,
  costMicroUsd: 300_000,
  costUnknown: 1,
};

function usageWorld(pages: readonly (readonly [readonly UsageRow[], string?])[] = [[[]]]) {
  const asked: UsageQuery[] = [];
  const deps = {
    usage: {
      page: async (query: UsageQuery) => {
        const [rows, next] = pages[asked.length] ?? [[]];
        asked.push(query);
        return { rows, readUnits: 1, ...(next !== undefined && { next }) };
      },
    },
    clock: () => new Date('2026-11-29T23:59:59.000Z'),
  };
  const list = (query = ''): Promise<Usage> => listUsage(deps, new URLSearchParams(query));
  const refused = async (query: string) => {
    const error = await list(query).catch((thrown: unknown) => thrown);
    if (!(error instanceof RequestError)) throw new Error(`It was answered: ${JSON.stringify(error)}`);
    return error.problems.map(({ field, message }) => [field, message]);
  };
  return { asked, list, refused };
}

describe('an answer', () => {
  it('has a row for each day and model, with the cost in dollars', async () => {
    const { labels: _, ...plain } = ROW;
    const { list } = usageWorld([[[ROW, { ...plain, labels: {}, costMicroUsd: 3 }]]]);

    expect(await list()).toEqual({
      from: '2026-10-31',
      to: '2026-11-29',
      days: [
        {
          day: '2026-11-28',
          model: 'wiro/flux',
          labels: { team: 'red' },
          succeeded: 3,
          failed: 1,
          cancelled: 2,
          costUsd: 0.3,
          costUnknown: 1,
        },
        {
          day: '2026-11-28',
          model: 'wiro/flux',
          succeeded: 3,
          failed: 1,
          cancelled: 2,
          costUsd: 0.000003,
          costUnknown: 1,
        },
      ],
    });
  });

  it.each(['2026-11-05', '2026-11-05#wiro/m.x-1_y', '2026-11-05#wiro/flux#AbC-_3456789'])(
    'that is cut short at %s goes on with its cursor',
    async (position) => {
      const { asked, list } = usageWorld([[[ROW], position], [[]]]);

      const { cursor = '' } = await list('from=2026-11-01&to=2026-11-30');
      const rest = await list(`from=2026-11-01&to=2026-11-30&cursor=${cursor}`);

      expect(asked[1]).toEqual({ from: '2026-11-01', to: '2026-11-30', after: position });
      expect(rest).not.toHaveProperty('cursor');
    },
  );
});

describe('the days', () => {
  it.each([
    ['', '2026-10-31', '2026-11-29'],
    ['from=2026-11-29', '2026-11-29', '2026-11-29'],
    ['to=2026-03-01', '2026-01-31', '2026-03-01'],
    ['from=2024-01-01&to=2024-12-31', '2024-01-01', '2024-12-31'],
  ])('asked for by "%s" are from %s to %s', async (query, from, to) => {
    const { asked, list } = usageWorld();

    expect(await list(query)).toMatchObject({ from, to });
    expect(asked).toEqual([{ from, to }]);
  });

  it.each([
    ['from=2025-11-28', 'from', /at most 366 days/],
    ['from=2026-11-30', 'from', /must not be after to \(by default today\)/],
    ['from=2026-02-30', 'from', /from must be a day in UTC, such as 2026-10-31/],
    ['to=2026-11-29T00:00:00Z', 'to', /to must be a day in UTC/],
    ['to=9999-12-31', 'to', /to must be a day in UTC/],
    ['to=', 'to', /to must be a day/],
    ['day=2026-11-29', 'day', /day is not a query parameter here. Use from, to, cursor/],
    ['from=2026-11-01&from=2026-11-02', 'from', /more than once/],
    ['cursor=nonsense', 'cursor', /must be that of an earlier answer/],
    [`cursor=${Buffer.from('1:2026-13-01').toString('base64url')}`, 'cursor', /of an earlier answer/],
  ])('asked for by "%s" are refused: %s', async (query, field, message) => {
    const { asked, refused } = usageWorld();

    expect(await refused(query)).toEqual([[field, expect.stringMatching(message)]]);
    expect(asked).toEqual([]);
  });

  it('are refused with all problems at once', async () => {
    const { refused } = usageWorld();

    const problems = await refused('from=x&to=y&limit=3');

    expect(problems.map(([field]) => field)).toEqual(['limit', 'to', 'from']);
  });
});

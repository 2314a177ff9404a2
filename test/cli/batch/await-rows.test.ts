import { expect, it } from 'vitest';
import { awaitRows } from '../../../cli/batch/await-rows.ts';
import {
  type Generation,
  type GenerationRow,
  type ListOptions,
  type Status,
  WiroServerlessError,
} from '../../../client/index.ts';

const row = (id: string, second: number) => ({ id, line: 2, createdAt: `2026-11-29T00:00:0${second}.000Z` });

it('looks at lists back to the oldest that is pending, and asks for those that ended or are missing', async () => {
  const looks: Record<string, Status>[] = [
    { other: 'failed', g3: 'running', g2: 'running', g1: 'succeeded' },
    { g3: 'running', g2: 'failed' },
    { g3: 'succeeded' },
  ];
  const records: Record<string, Status> = {
    g1: 'succeeded',
    g2: 'failed',
    g3: 'succeeded',
    hidden: 'cancelled',
  };
  const listed: (ListOptions | undefined)[] = [];
  const ended: string[] = [];
  const gone: string[] = [];
  const pauses: number[] = [];

  await awaitRows(
    {
      client: {
        list: async function* (options) {
          const look = looks[Math.min(listed.length, looks.length - 1)] ?? {};
          listed.push(options);
          for (const [id, status] of Object.entries(look)) yield { id, status } as GenerationRow;
        },
        get: async (id) => {
          const status = records[id];
          if (status === undefined)
            throw new WiroServerlessError(
              { code: 'not_found', message: 'none', retryable: false },
              { status: 404 },
            );
          return { id, status } as Generation;
        },
      },
      signal: new AbortController().signal,
      onEnd: async ({ id }, { status }) => void ended.push(`${id} ${status}`),
      onGone: ({ id }) => gone.push(id),
      pause: async (ms) => void pauses.push(ms),
    },
    [row('g1', 1), row('g2', 2), row('g3', 3), row('hidden', 4), row('deleted', 5)],
  );

  expect(ended).toEqual(['g1 succeeded', 'hidden cancelled', 'g2 failed', 'g3 succeeded']);
  expect(gone).toEqual(['deleted']);
  expect(listed.map((options) => options?.from)).toEqual([
    '2026-11-29T00:00:01.000Z',
    '2026-11-29T00:00:02.000Z',
    '2026-11-29T00:00:03.000Z',
  ]);
  expect(pauses).toEqual([500, 750]);
});

import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { addSetback } from '../../functions/generation/transitions/trouble.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { readRetryAfter } from '../../functions/wiro/retry-after.ts';
import { retryRead } from '../../functions/wiro/retry-read.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { clientOf, listen } from './server.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');

it.each([
  ['7', undefined, 7_000],
  [' 120 ', undefined, 120_000],
  ['Sat, 31 Jan 2026 12:00:30 GMT', undefined, 30_000],
  // By the clock of the answer, which may differ from ours.
  ['Sat, 31 Jan 2026 13:00:30 GMT', 'Sat, 31 Jan 2026 13:00:00 GMT', 30_000],
  ['Sat, 31 Jan 2026 11:00:00 GMT', undefined, undefined],
  ['0', undefined, undefined],
  ['-1', undefined, undefined],
  ['soon', undefined, undefined],
  [undefined, undefined, undefined],
])('reads %j', (given, date, waitMs) => {
  expect(readRetryAfter({ ...(given && { 'retry-after': given }), ...(date && { date }) }, NOW)).toBe(waitMs);
});

describe('an answer 429', () => {
  const busyWiro = async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests += 1;
      response.writeHead(429, { 'retry-after': '40' }).end('Too many requests');
    });
    return { wiro: clientOf(await listen(server)), requests: () => requests };
  };

  it('says how long to wait, for a Run and for other calls', async () => {
    const { wiro } = await busyWiro();

    const run = await wiro.run({
      model: 'wiro/x',
      parameters: {},
      files: {},
      callbackUrl: 'https://callback.example/1',
      timeoutMs: 5_000,
    });

    expect(run).toMatchObject({ kind: 'notRun', reason: 'busy', retryAfterMs: 40_000 });
    await expect(wiro.task({ taskId: '1' })).rejects.toMatchObject({ kind: 'busy', retryAfterMs: 40_000 });
  });

  it('is not asked again at once', async () => {
    const { wiro, requests } = await busyWiro();

    await expect(retryRead(() => wiro.tasks({ start: 0, limit: 10 }))).rejects.toMatchObject({
      kind: 'busy',
    });

    expect(requests()).toBe(1);
  });

  it.each([
    [undefined, 5],
    [3_000, 5],
    [40_000, 40],
    [86_400_000, 300],
  ])('that asks to wait %s ms is tried again after %s seconds', (retryAfterMs, seconds) => {
    const setback = { code: 'upstream_unavailable', message: 'busy', retryAfterMs } as const;

    const { dueAt, trouble } = addSetback(EXAMPLES.queued, setback, { now: at(0), durations: DURATIONS });

    expect(dueAt).toBe(at(seconds));
    expect(trouble).not.toHaveProperty('retryAfterMs');
  });
});

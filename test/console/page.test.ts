import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { buildPage } from '../../console/build-page.ts';
import { byDayAndModel } from '../../console/page/usage/by-day.ts';
import { preparePage } from '../../console/server/page.ts';

it('is one file of under 60 kB that names no other', async () => {
  const { html } = await buildPage();

  expect(gzipSync(html, { level: 9 }).length).toBeLessThan(60_000);
  expect(html.match(/<script|<\/script>/g)).toHaveLength(2);
  expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  const policy = preparePage(html).headers['content-security-policy'];
  expect(policy?.match(/'sha256-[^']+'/g)).toHaveLength(2);
});

it('sums the usage by day and model: every day of the range, the dearest model first', () => {
  const row = { succeeded: 1, failed: 0, cancelled: 0, costUnknown: 0 };
  const { days, models } = byDayAndModel({
    from: '2026-10-30',
    to: '2026-11-01',
    days: [
      { ...row, day: '2026-11-01', model: 'a/a', costUsd: 1, labels: { team: 'x' } },
      { ...row, day: '2026-11-01', model: 'a/a', costUsd: 2, labels: { team: 'y' } },
      { ...row, day: '2026-10-30', model: 'b/b', costUsd: 4, failed: 2 },
    ],
  });

  expect(days).toEqual([
    { day: '2026-10-30', costUsd: { 'b/b': 4 } },
    { day: '2026-10-31', costUsd: {} },
    { day: '2026-11-01', costUsd: { 'a/a': 3 } },
  ]);
  expect(models.map(({ model, costUsd, succeeded, failed }) => [model, costUsd, succeeded, failed])).toEqual([
    ['b/b', 4, 1, 2],
    ['a/a', 3, 2, 0],
  ]);
});

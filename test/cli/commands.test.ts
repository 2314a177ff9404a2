import { expect, it } from 'vitest';
import { describeUsage } from '../../cli/commands/usage.ts';
import { describeTimeline } from '../../cli/describe.ts';
import type { UsageDay } from '../../client/index.ts';

const DAYS: readonly UsageDay[] = [
  { day: '2026-11-01', model: 'wiro/a', succeeded: 2, failed: 0, cancelled: 0, costUsd: 0.1, costUnknown: 0 },
  { day: '2026-11-01', model: 'wiro/b', succeeded: 1, failed: 1, cancelled: 0, costUsd: 0.2, costUnknown: 1 },
  { day: '2026-11-02', model: 'wiro/a', succeeded: 0, failed: 0, cancelled: 3, costUsd: 0, costUnknown: 0 },
];

it('usage is added up by day or by model, without errors of rounding', () => {
  expect(describeUsage(DAYS, 'day').split('\n')).toEqual([
    'DAY         SUCCEEDED  FAILED  CANCELLED  COST',
    '2026-11-01  3          1       0          $0.30  and 1 of unknown cost',
    '2026-11-02  0          0       3          $0.00',
    'total       3          1       3          $0.30  and 1 of unknown cost',
  ]);
  expect(describeUsage(DAYS, 'model').split('\n')[1]).toBe('wiro/a  2          0       3          $0.10');
});

it('a timeline has an attempt where there are several, and messages that steer nothing', () => {
  const text = describeTimeline({
    generationId: 'g1',
    entries: [
      { at: '2026-11-29T00:00:00.000Z', attempt: 1, what: 'accepted' },
      {
        at: '2026-11-29T00:00:01.000Z',
        attempt: 1,
        what: 'end',
        code: 'model_failed',
        message: 'no\u001b[2J',
      },
      { at: '2026-11-29T00:00:02.000Z', attempt: 2, what: 'copy', outputs: 2 },
    ],
    truncated: 4,
  });

  expect(text.split('\n')).toEqual([
    'WHEN                      ATTEMPT  WHAT',
    '2026-11-29T00:00:00.000Z  1        accepted',
    '2026-11-29T00:00:01.000Z  1        ended                         model_failed: no',
    '2026-11-29T00:00:02.000Z  2        outputs copied to the bucket  2 outputs',
    '… and 4 more',
  ]);
});

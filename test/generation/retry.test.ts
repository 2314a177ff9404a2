import { expect, it } from 'vitest';
import type { Announcement } from '../../functions/generation/generation.ts';
import { retried } from '../../functions/generation/retry.ts';
import { at, EXAMPLES, moment } from './examples.ts';

const untold = (count: number): readonly Announcement[] =>
  Array.from({ length: count }, (_, n) => ({ eventId: `x.${n}`, type: 'Failed', attempt: n, at: at(0) }));

it('no attempt is started while the events of earlier ones cannot be told: their list would grow without end', () => {
  const generation = { ...EXAMPLES.failed, announcements: untold(20) };

  expect(() => retried(generation, true, moment(40))).toThrow(/20 events .* event bus yet: try again/);
  expect(retried({ ...generation, announcements: untold(19) }, false, moment(40)).attempt).toBe(2);
});

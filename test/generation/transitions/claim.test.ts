import { describe, expect, it } from 'vitest';
import type { RunMark } from '../../../functions/generation/generation.ts';
import { renew } from '../../../functions/generation/transitions/claim.ts';
import { claimToCollect } from '../../../functions/generation/transitions/collect.ts';
import { claimToSubmit } from '../../../functions/generation/transitions/submit.ts';
import { at, EXAMPLES, moment } from '../examples.ts';

const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };

describe('a claim', () => {
  it('lasts one minute, is due five seconds later, and resets the count of looks', () => {
    const claimed = claimToSubmit(EXAMPLES.queued, 'me', moment(10));

    expect(claimed).toMatchObject({ claim: { holder: 'me', until: at(70) }, dueAt: at(75), looks: 0 });
  });

  it.each([
    ['submitting', 64.999, undefined],
    ['submitting', 65, 'you'],
    ['marked', 64.999, undefined],
    ['marked', 65, 'you'],
  ] as const)('on %s is free for others at second %d: %s', (name, seconds, holder) => {
    const claimed = claimToSubmit(EXAMPLES[name], 'you', moment(seconds));

    expect(claimed?.claim.holder).toBe(holder);
  });

  it.each([
    [64.999, undefined],
    [65, 'you'],
  ] as const)('on collecting is free for others at second %d: %s', (seconds, holder) => {
    const claimed = claimToCollect(EXAMPLES.collecting, 'you', moment(seconds));

    expect(claimed?.claim.holder).toBe(holder);
  });

  it('that another holder takes keeps the mark: a task may exist', () => {
    const claimed = claimToSubmit(EXAMPLES.marked, 'you', moment(65));

    expect(claimed?.run).toEqual(run);
  });

  it('is extended from now, not from its end', () => {
    const renewed = renew(EXAMPLES.collecting, moment(20));

    expect(renewed).toMatchObject({ claim: { holder: 'me', until: at(80) }, dueAt: at(85) });
  });

  it('that is over belongs to its holder until another takes it', () => {
    expect(renew(EXAMPLES.submitting, moment(1_000))).toMatchObject({
      claim: { holder: 'me', until: at(1_060) },
    });
  });
});

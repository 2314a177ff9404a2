import { describe, expect, it } from 'vitest';
import type { RunMark } from '../../../functions/generation/generation.ts';
import { renew } from '../../../functions/generation/transitions/claim.ts';
import { claimToCollect } from '../../../functions/generation/transitions/collect.ts';
import { looksAt, noteLook } from '../../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../../functions/generation/transitions/note-callback.ts';
import { claimToSubmit } from '../../../functions/generation/transitions/submit.ts';
import { DURATIONS } from '../../../functions/settings.ts';
import { at, EXAMPLES, moment } from '../examples.ts';

const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };

describe('a claim', () => {
  it('lasts one minute, and resets the count of looks', () => {
    const claimed = claimToSubmit(EXAMPLES.queued, 'me', moment(10));

    expect(claimed).toMatchObject({ claim: { holder: 'me', until: at(70) }, looks: 0 });
  });

  it.each([
    ['stays in the index where it is', EXAMPLES.queued, at(5)],
    ['moves forward in the index from its place in line', EXAMPLES.waiting, at(75)],
  ] as const)('%s, and is looked at five seconds after its lease', (_, generation, dueAt) => {
    const claimed = claimToSubmit(generation, 'me', moment(10));
    if (claimed === undefined) throw new Error('It is queued');

    expect(claimed.dueAt).toBe(dueAt);
    expect(looksAt(claimed, DURATIONS)).toBe(at(75));
    expect(noteLook(claimed, moment(74.999))).toBe(claimed);
    expect(noteLook(claimed, moment(75))).toMatchObject({ looks: 1, dueAt: at(135) });
  });

  it('on a Run that calls back is looked at at once: the answer may be lost', () => {
    const called = noteCallback(EXAMPLES.marked, 1, 'task-1', moment(10));

    expect(looksAt(called, DURATIONS)).toBe(at(10));
    expect(looksAt(noteCallback(EXAMPLES.collecting, 1, 'task-1', moment(10)), DURATIONS)).toBe(at(65));
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

    expect(renewed).toMatchObject({ claim: { holder: 'me', until: at(80) }, dueAt: at(65) });
    expect(looksAt(renewed, DURATIONS)).toBe(at(85));
  });

  it('that is over belongs to its holder until another takes it', () => {
    expect(renew(EXAMPLES.submitting, moment(1_000))).toMatchObject({
      claim: { holder: 'me', until: at(1_060) },
    });
  });
});

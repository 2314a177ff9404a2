import { describe, expect, it } from 'vitest';
import { hasEnded } from '../../functions/generation/generation.ts';
import { toTimeline } from '../../functions/generation/timeline.ts';
import { entriesToNote, type TimelineEntry } from '../../functions/generation/timeline-entries.ts';
import { readLater } from '../../functions/generation/transitions/collect.ts';
import { noteSearch, unmark } from '../../functions/generation/transitions/submit.ts';
import { at, EXAMPLES, moment } from './examples.ts';

const TROUBLE = { since: at(0), firstAt: {}, count: 1, code: 'upstream_unavailable', message: '' } as const;

describe('what is noted of a change', () => {
  it('is nothing of an end, so that nothing comes before its announcement', () => {
    const all = Object.values(EXAMPLES);
    const troubled = all
      .filter((one) => !hasEnded(one))
      .map((one) => ({ ...one, trouble: TROUBLE, callback: { seenAt: at(1) } }));

    for (const before of troubled)
      for (const end of all.filter(hasEnded)) {
        const run = 'run' in before && before.run ? { run: before.run } : {};
        expect(entriesToNote(before, { ...end, ...run, callback: { seenAt: at(1) } })).toEqual([]);
      }
  });

  it('is a search, and a Run whose mark is taken away', () => {
    const searched = noteSearch(EXAMPLES.marked, true, moment(2));
    if (searched === undefined) throw new Error('It was not searched for');
    const unmarked = unmark(searched, moment(10_000));
    if (unmarked === undefined) throw new Error('Its mark stands');

    expect(entriesToNote(EXAMPLES.marked, { ...searched, updatedAt: at(2) })).toEqual([
      { at: at(2), attempt: 1, what: 'search' },
    ]);
    expect(entriesToNote(searched, unmarked)).toEqual([{ at: at(0), attempt: 1, what: 'run' }]);
  });

  it('is a look if a task that succeeded shows no outputs yet', () => {
    const next = { ...readLater(EXAMPLES.collecting, moment(2)), updatedAt: at(2) };

    expect(entriesToNote(EXAMPLES.collecting, next)).toEqual([{ at: at(2), attempt: 1, what: 'look' }]);
  });
});

describe('a timeline', () => {
  const of = (...noted: readonly TimelineEntry[]) =>
    toTimeline({ generation: EXAMPLES.running, pastAttempts: [], noted });

  it('has what is stored twice once', () => {
    const run = { at: at(0), attempt: 1, what: 'run' } as const;

    expect(of(run)).toEqual([
      { at: at(0), attempt: 1, what: 'accepted' },
      { ...run, taskId: 'task-1' },
    ]);
  });

  it('has entries of one moment in the order of a generation, and attempts one after the other', () => {
    const past = { attempt: 1, endedAt: at(0), code: 'model_failed', message: 'It failed.' } as const;
    const noted = (['try', 'callback', 'search', 'look'] as const).map(
      (what): TimelineEntry => ({ at: at(0), attempt: 1, what }),
    );

    const entries = toTimeline({
      generation: { ...EXAMPLES.queued, attempt: 2 },
      pastAttempts: [{ ...past, times: { runAt: at(0), endAt: at(0), announcedAt: at(0) } }],
      noted,
    });

    expect(entries.map(({ attempt, what }) => `${attempt} ${what}`)).toEqual([
      '1 accepted',
      '1 run',
      '1 search',
      '1 callback',
      '1 look',
      '1 try',
      '1 end',
      '1 announced',
      '2 accepted',
    ]);
  });

  it('has of a past attempt that an earlier release kept how it ended', () => {
    const past = { attempt: 1, endedAt: at(9), code: 'model_failed', message: 'It failed.' } as const;
    const generation = { ...EXAMPLES.queued, attempt: 2 };

    expect(toTimeline({ generation, pastAttempts: [past], noted: [] })).toEqual([
      { at: at(0), attempt: 1, what: 'accepted' },
      { at: at(9), attempt: 1, what: 'end', code: 'model_failed', message: 'It failed.' },
      { at: at(9), attempt: 2, what: 'accepted' },
    ]);
  });
});

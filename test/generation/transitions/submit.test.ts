import { describe, expect, it } from 'vitest';
import type { Generation, RunMark } from '../../../functions/generation/generation.ts';
import {
  claimToCollect,
  collectLater,
  readLater,
} from '../../../functions/generation/transitions/collect.ts';
import { looksAt, noteLook } from '../../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../../functions/generation/transitions/request-cancel.ts';
import {
  claimToSubmit,
  joinLine,
  mark,
  noteSearch,
  requeue,
  startRunning,
  unmark,
} from '../../../functions/generation/transitions/submit.ts';
import { DURATIONS } from '../../../functions/settings.ts';
import { at, EXAMPLES, moment } from '../examples.ts';
import { whenSubmitting } from '../when-held.ts';

const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;
const WEEK = 604_800;
const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };
const task = { id: 'task-1', token: 'token-1' };

describe('the write-ahead mark', () => {
  it('extends the lease to 90 seconds and records when the Run began', () => {
    const marked = mark(EXAMPLES.submitting, { reusedUploads: true }, moment(10));

    expect(marked).toMatchObject({
      claim: { holder: 'me', until: at(100) },
      dueAt: EXAMPLES.submitting.dueAt,
      run: { startedAt: at(10), reusedUploads: true, searches: 0 },
    });
  });

  it('extends it by the extra time of the Run, which a searcher waits for, too', () => {
    const run = { reusedUploads: false, extraMs: 20_000 };
    const marked = mark(EXAMPLES.submitting, run, moment(10));

    expect(marked).toMatchObject({ claim: { holder: 'me', until: at(120) } });
    expect(marked && looksAt(marked, DURATIONS)).toBe(at(125));
    expect(marked && claimToSubmit(marked, 'you', moment(124.999))).toBeUndefined();
    expect(marked && claimToSubmit(marked, 'you', moment(125))).toMatchObject({
      run: marked?.run,
    });
    expect(Object.keys(marked?.run ?? {})).toEqual(['startedAt', 'reusedUploads', 'searches']);
  });

  it('is not written while a request to cancel stands', () => {
    const wished = requestCancel(EXAMPLES.submitting, moment(5));

    expect(
      whenSubmitting(wished, 'me', (held) => mark(held, { reusedUploads: false }, moment(10))),
    ).toBeUndefined();
  });

  it('does not go back to the queue', () => {
    expect(joinLine(EXAMPLES.marked, at(5), moment(10))).not.toHaveProperty('run');
    expect(requeue(EXAMPLES.marked, setback, moment(10))).not.toHaveProperty('run');
  });
});

describe('startRunning', () => {
  it('needs no claim: any holder of the answer records it', () => {
    const takenOver = claimToSubmit(EXAMPLES.marked, 'you', moment(65));

    const recorded = takenOver && startRunning(takenOver, run, 1, task, moment(70));

    expect(recorded).toMatchObject({ status: 'running', run, task, emptyReads: 0, dueAt: at(130) });
    expect(recorded).not.toHaveProperty('claim');
  });

  it('announces the start', () => {
    const recorded = startRunning(EXAMPLES.marked, run, 1, task, moment(10));

    expect(recorded?.announcements).toEqual([
      { eventId: 'abcdefghijklmnopqrstuvwxyz.1.running', type: 'Running', attempt: 1, at: at(10) },
    ]);
  });

  it.each([
    ['a callback', noteCallback(EXAMPLES.marked, 1, 'task-1', moment(3))],
    ['a request to cancel', requestCancel(EXAMPLES.marked, moment(3))],
  ])('is due at once after %s meanwhile', (_, generation) => {
    expect(startRunning(generation, run, 1, task, moment(10))?.dueAt).toBe(at(10));
  });

  describe('while few tasks run', () => {
    const accepted = { ...EXAMPLES.marked, dueAt: at(5) };
    const start = (generation: Generation = accepted, isCrowded = false) => {
      const running = startRunning(generation, run, generation.attempt, task, moment(10), isCrowded);
      if (running === undefined) throw new Error('It does not run');
      return running;
    };
    const looks = (generation: Generation | undefined) => generation && looksAt(generation, DURATIONS);

    it('keeps an earlier due time, and is looked at a minute after its Run', () => {
      expect([start().dueAt, looks(start())]).toEqual([at(5), at(60)]);
      expect(noteLook(start(), moment(59.999))).toEqual(start());
      expect(noteLook(start(), moment(60))).toMatchObject({ looks: 1, dueAt: at(120) });
    });

    it.each([
      ['many tasks run', start(accepted, true)],
      [
        'it runs in a later attempt, which a retry may have made due at once',
        start({ ...accepted, attempt: 2 }),
      ],
      ['it was due later', start({ ...accepted, dueAt: at(500) })],
    ])('does not keep it if %s', (_, running) => {
      expect([running.dueAt, looks(running)]).toEqual([at(70), at(70)]);
    });

    it('is looked at before its deadline is over', () => {
      expect(looksAt(start(), { ...DURATIONS, deadline: 30_000 })).toBe(at(30));
    });

    it('is looked at as soon as something happens', () => {
      const collecting = claimToCollect(start(), 'me', moment(20));

      expect([
        looks(noteCallback(start(), 1, 'task-1', moment(20))),
        looks(requestCancel(start(), moment(20))),
        looks(collecting && collectLater(collecting, setback, moment(20))),
        looks(collecting && readLater(collecting, moment(20))),
      ]).toEqual([at(20), at(20), at(25), at(40)]);
    });
  });

  it('clears the trouble before', () => {
    const troubled = requeue(EXAMPLES.submitting, setback, moment(1));

    expect(troubled && startRunning(troubled, run, 1, task, moment(10))).not.toHaveProperty('trouble');
  });
});

describe('the search for a lost Run', () => {
  it('that was complete is repeated after a minute, not earlier by any holder', () => {
    const searched = noteSearch(EXAMPLES.marked, true, moment(100));

    expect(searched).toMatchObject({
      run: { emptySearchAt: at(100), searches: 1 },
      claim: { until: at(100) },
      dueAt: at(160),
    });
    expect(searched && claimToSubmit(searched, 'you', moment(159.999))).toBeUndefined();
    expect(searched && claimToSubmit(searched, 'you', moment(160))?.claim.holder).toBe('you');
  });

  it('that was complete twice lets the Run be repeated, with the same claim', () => {
    const once = noteSearch(EXAMPLES.marked, true, moment(100));
    const again = once && claimToSubmit(once, 'you', moment(160));

    const cleared = again && unmark(again, moment(161));

    expect(cleared).not.toHaveProperty('run');
    expect(cleared).toMatchObject({ status: 'submitting', claim: { holder: 'you', until: at(220) } });
  });

  it.each([
    ['none', undefined, 200],
    ['one', at(100), 159.999],
  ])('lets no Run be repeated after %s, not even by the same holder', (_, emptySearchAt, seconds) => {
    const marked = { ...EXAMPLES.marked, run: { ...run, ...(emptySearchAt && { emptySearchAt }) } };

    expect(unmark(marked, moment(seconds))).toBeUndefined();
  });

  it.each([
    [0, 5],
    [1, 10],
    [2, 20],
    [5, 160],
    [6, 300],
    [40, 300],
  ])('that proved nothing after %d others is repeated after %d seconds', (searches, wait) => {
    const marked = { ...EXAMPLES.marked, run: { ...run, searches } };

    const searched = noteSearch(marked, false, moment(100));

    expect(searched?.dueAt).toBe(at(100 + wait));
    expect(searched?.run).toEqual({ startedAt: at(0), reusedUploads: false, searches: searches + 1 });
  });

  it('that proved nothing makes an earlier complete search worthless', () => {
    const marked = { ...EXAMPLES.marked, run: { ...run, emptySearchAt: at(100), searches: 1 } };

    expect(noteSearch(marked, false, moment(160))?.run).not.toHaveProperty('emptySearchAt');
  });

  it('records when a complete search first found nothing, however many follow', () => {
    const marked = { ...EXAMPLES.marked, run: { ...run, emptySearchAt: at(100), searches: 1 } };

    expect(noteSearch(marked, true, moment(160))?.run?.emptySearchAt).toBe(at(100));
  });
});

describe('the line at the gate', () => {
  it('needs no claim, and is due a week after the attempt first joined it', () => {
    const away = joinLine(EXAMPLES.submitting, at(5), moment(10));

    expect(away).toMatchObject({ status: 'queued', waiting: true, dueAt: at(5 + WEEK) });
    expect(away).not.toHaveProperty('claim');
  });

  it('ends with a claim', () => {
    expect(claimToSubmit(EXAMPLES.waiting, 'me', moment(10))).not.toHaveProperty('waiting');
  });
});

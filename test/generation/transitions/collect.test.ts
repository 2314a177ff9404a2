import { describe, expect, it } from 'vitest';
import type { Generation, RunMark } from '../../../functions/generation/generation.ts';
import {
  claimToCollect,
  isToStop,
  lookLater,
  readLater,
  rerun,
} from '../../../functions/generation/transitions/collect.ts';
import { noteCallback } from '../../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../../functions/generation/transitions/request-cancel.ts';
import { claimToSubmit, mark, startRunning } from '../../../functions/generation/transitions/submit.ts';
import { at, EXAMPLES, moment } from '../examples.ts';
import { whenCollecting } from '../when-held.ts';

const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;
const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };
const task = { id: 'task-1', token: 'token-1' };

describe('lookLater', () => {
  const release = (generation: Generation, seconds: number, stop?: { cancelSentAt: string }) =>
    whenCollecting(generation, 'me', (held) =>
      lookLater(held, { callbackKnown: undefined, ...(stop && { stop }) }, moment(seconds)),
    );

  it.each([
    // [asked at second, seconds until the next look]: half the age of the Run, from one to fifteen minutes.
    [10, 60],
    [120, 60],
    [121, 60.5],
    [600, 300],
    [1_800, 900],
    [10_000, 900],
    // The deadline of six hours is second 21,600.
    [21_000, 600],
    [21_599, 1],
  ])('at second %d looks again after %d', (seconds, wait) => {
    expect(release(EXAMPLES.collecting, seconds)?.dueAt).toBe(at(seconds + wait));
  });

  it('looks again at once after a callback since Wiro was asked', () => {
    const calledBack = noteCallback(EXAMPLES.collecting, 1, undefined, moment(9));

    expect(release(calledBack, 10)?.dueAt).toBe(at(10));
  });

  it('does not look again at once for a callback that was known when Wiro was asked', () => {
    const calledBack = noteCallback(EXAMPLES.collecting, 1, undefined, moment(9));

    const released = lookLater(calledBack, { callbackKnown: at(9) }, moment(10));

    expect(released?.dueAt).toBe(at(70));
  });

  it('looks again at once after a request to cancel since Wiro was asked', () => {
    const wished = requestCancel(EXAMPLES.collecting, moment(9));

    expect(release(wished, 10)?.dueAt).toBe(at(10));
  });

  it('looks again at once if the deadline passed since Wiro was asked', () => {
    expect(release(EXAMPLES.collecting, 21_600)?.dueAt).toBe(at(21_600));
  });

  it('looks again fifteen seconds after the task was asked to stop, and records that', () => {
    const wished = requestCancel(EXAMPLES.collecting, moment(9));

    const released = release(wished, 10, { cancelSentAt: at(10) });

    expect(released).toMatchObject({ stop: { cancelSentAt: at(10) }, dueAt: at(25) });
  });

  it('clears trouble and looks, because Wiro answered', () => {
    const troubled = {
      ...EXAMPLES.collecting,
      trouble: { since: at(0), firstAt: {}, count: 2, code: 'upstream_unavailable', message: 'x' },
    } as const;

    const released = release(troubled, 10);

    expect(released?.looks).toBe(0);
    expect(released).not.toHaveProperty('trouble');
  });
});

describe('an end with no outputs', () => {
  it('is counted, and read again after twenty seconds', () => {
    const once = readLater(EXAMPLES.collecting, moment(10));
    const again = once && claimToCollect(once, 'me', moment(30));
    const twice = again && readLater(again, moment(30));

    expect([once?.emptyReads, once?.dueAt]).toEqual([1, at(30)]);
    expect([twice?.emptyReads, twice?.dueAt]).toEqual([2, at(50)]);
  });
});

describe('rerun', () => {
  it('starts the next attempt with fresh uploads, keeps how the last one ended, and drops its callback', () => {
    const calledBack = noteCallback(EXAMPLES.collecting, 1, 'task-1', moment(5));

    const again = rerun(calledBack, error, moment(10));

    expect(again).toMatchObject({
      status: 'queued',
      waiting: false,
      attempt: 2,
      freshUploads: true,
      dueAt: at(15),
      pastAttempts: [
        {
          attempt: 1,
          taskId: 'task-1',
          endedAt: at(10),
          code: 'model_failed',
          message: 'The model failed.',
        },
      ],
    });
    for (const name of ['callback', 'claim', 'run', 'task', 'emptyReads'])
      expect(again).not.toHaveProperty(name);
  });

  it('does not take the task of the attempt before', () => {
    const again = rerun(EXAMPLES.collecting, error, moment(10));

    expect(again && startRunning(again, run, 1, task, moment(11))).toBeUndefined();
  });

  it('keeps a request to cancel, so that the next attempt never runs', () => {
    const wished = requestCancel(EXAMPLES.collecting, moment(5));
    const again = whenCollecting(wished, 'me', (held) => rerun(held, error, moment(10)));
    const claimed = again && claimToSubmit(again, 'you', moment(20));

    expect(claimed && mark(claimed, { reusedUploads: false }, moment(20))).toBeUndefined();
  });
});

describe('isToStop', () => {
  it.each([
    ['for no reason', EXAMPLES.running, 21_599.999, false],
    ['after its deadline', EXAMPLES.running, 21_600, true],
    ['on request', { ...EXAMPLES.running, cancelRequestedAt: at(1) }, 2, true],
  ] as const)('%s', (_, generation, seconds, expected) => {
    expect(isToStop(generation, moment(seconds))).toBe(expected);
  });
});

import { describe, expect, it } from 'vitest';
import type { Failed, Generation, RunMark } from '../../functions/generation/generation.ts';
import { accept } from '../../functions/generation/transitions/accept.ts';
import { renew } from '../../functions/generation/transitions/claim.ts';
import {
  claimToCollect,
  collectLater,
  isToStop,
  lookLater,
  readLater,
  rerun,
} from '../../functions/generation/transitions/collect.ts';
import { cancel, fail, succeed } from '../../functions/generation/transitions/end.ts';
import { noteLook, strikeOff } from '../../functions/generation/transitions/look.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import {
  claimToSubmit,
  joinLine,
  mark,
  noteSearch,
  requeue,
  startRunning,
  unmark,
} from '../../functions/generation/transitions/submit.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { at, EXAMPLES, type ExampleName, moment } from './examples.ts';
import { assertLegal } from './legal.ts';
import { whenCollecting, whenHeld, whenSubmitting } from './when-held.ts';

const NAMES = Object.keys(EXAMPLES) as ExampleName[];
const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;
const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;
const WEEK = 604_800;
const run: RunMark = { startedAt: at(0), reusedUploads: false, searches: 0 };
const task = { id: 'task-1', token: 'token-1' };

/** The resulting status, `same` if nothing changes, `refused` if the transition does not apply. */
function outcome(before: Generation, after: Generation | undefined): string {
  if (after === undefined) return 'refused';
  return after === before ? 'same' : after.status;
}

type Row = readonly [
  what: string,
  transition: (generation: Generation) => Generation | undefined,
  // In the order of EXAMPLES.
  expected: readonly string[],
];

const REFUSED = 'refused';

// All at second 10, when the claims of `me` stand.
const TABLE: readonly Row[] = [
  [
    'claimToSubmit by its holder',
    (g) => claimToSubmit(g, 'me', moment(10)),
    ['submitting', 'submitting', 'same', 'same', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'claimToSubmit by another',
    (g) => claimToSubmit(g, 'you', moment(10)),
    ['submitting', 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'renew',
    (g) => whenHeld(g, 'me', (held) => renew(held, moment(10))),
    [REFUSED, REFUSED, 'submitting', 'submitting', REFUSED, 'collecting', REFUSED, REFUSED, REFUSED],
  ],
  [
    'joinLine',
    (g) => whenSubmitting(g, 'me', (held) => joinLine(held, at(5), moment(10))),
    [REFUSED, REFUSED, 'queued', 'queued', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'requeue',
    (g) => whenSubmitting(g, 'me', (held) => requeue(held, setback, moment(10))),
    [REFUSED, REFUSED, 'queued', 'queued', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'mark',
    (g) => whenSubmitting(g, 'me', (held) => mark(held, { reusedUploads: false }, moment(10))),
    [REFUSED, REFUSED, 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'startRunning',
    (g) => startRunning(g, run, 1, task, moment(10)),
    ['running', 'running', 'running', 'running', 'same', 'same', 'same', 'same', REFUSED],
  ],
  [
    'startRunning of another task',
    (g) => startRunning(g, run, 1, { id: 'task-2' }, moment(10)),
    ['running', 'running', 'running', 'running', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'startRunning of another attempt',
    (g) => startRunning(g, run, 2, task, moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'noteSearch',
    (g) => whenSubmitting(g, 'me', (held) => noteSearch(held, true, moment(10))),
    [REFUSED, REFUSED, REFUSED, 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'noteCallback',
    (g) => noteCallback(g, 1, 'task-1', moment(10)),
    ['queued', 'queued', 'submitting', 'submitting', 'running', 'collecting', 'same', 'same', 'same'],
  ],
  [
    'noteCallback of another attempt',
    (g) => noteCallback(g, 2, 'task-1', moment(10)),
    ['same', 'same', 'same', 'same', 'same', 'same', 'same', 'same', 'same'],
  ],
  [
    'claimToCollect by its holder',
    (g) => claimToCollect(g, 'me', moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, 'collecting', 'same', REFUSED, REFUSED, REFUSED],
  ],
  [
    'claimToCollect by another',
    (g) => claimToCollect(g, 'you', moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, 'collecting', REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'lookLater',
    (g) => whenCollecting(g, 'me', (held) => lookLater(held, { callbackKnown: undefined }, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'collectLater',
    (g) => whenCollecting(g, 'me', (held) => collectLater(held, setback, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'readLater',
    (g) => whenCollecting(g, 'me', (held) => readLater(held, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'rerun',
    (g) => whenCollecting(g, 'me', (held) => rerun(held, error, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'queued', REFUSED, REFUSED, REFUSED],
  ],
  [
    'succeed',
    (g) => whenCollecting(g, 'me', (held) => succeed(held, {}, moment(10))),
    // Only a task succeeds.
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'succeeded', REFUSED, REFUSED, REFUSED],
  ],
  [
    'fail',
    (g) => whenHeld(g, 'me', (held) => fail(held, error, {}, moment(10))),
    [REFUSED, REFUSED, 'failed', 'failed', REFUSED, 'failed', REFUSED, REFUSED, REFUSED],
  ],
  [
    'cancel',
    (g) => whenHeld(g, 'me', (held) => cancel(held, {}, moment(10))),
    [REFUSED, REFUSED, 'cancelled', 'cancelled', REFUSED, 'cancelled', REFUSED, REFUSED, REFUSED],
  ],
  [
    'requestCancel',
    (g) => requestCancel(g, moment(10)),
    ['cancelled', 'cancelled', 'submitting', 'submitting', 'running', 'collecting', 'same', 'same', 'same'],
  ],
  [
    'strikeOff of what is not on the list',
    (g) => strikeOff(g, ['other']),
    ['same', 'same', 'same', 'same', 'same', 'same', 'same', 'same', 'same'],
  ],
];

describe('every transition from every state', () => {
  const cells = TABLE.flatMap(([what, transition, expected]) =>
    NAMES.map((name, index) => [what, name, expected[index], transition] as const),
  );

  it.each(cells)('%s, from %s: %s', (_, name, expected, transition) => {
    const before = EXAMPLES[name];

    expect(outcome(before, transition(before))).toBe(expected);
  });

  it('is tried from all states', () => {
    expect(TABLE.map(([what, , expected]) => [what, expected.length])).toEqual(
      TABLE.map(([what]) => [what, 9]),
    );
  });
});

describe('accept', () => {
  it('starts in the queue, and is due in case its submission is lost', () => {
    const { id, deployment, origin, model, requestHash } = EXAMPLES.queued;

    const generation = accept({ id, deployment, origin, model, requestHash }, moment(0));

    expect(generation).toEqual({
      version: 1,
      revision: 1,
      id: 'abcdefghijklmnopqrstuvwxyz',
      deployment: 'shop',
      origin: 'api',
      model: 'wiro/flux',
      requestHash: 'hash',
      status: 'queued',
      waiting: false,
      attempt: 1,
      createdAt: '2026-01-01T12:00:00.000Z',
      updatedAt: '2026-01-01T12:00:00.000Z',
      dueAt: '2026-01-01T12:00:05.000Z',
      looks: 0,
      announcements: [],
      pastAttempts: [],
    });
  });
});

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

describe('the write-ahead mark', () => {
  it('extends the lease to 90 seconds and records when the Run began', () => {
    const marked = mark(EXAMPLES.submitting, { reusedUploads: true }, moment(10));

    expect(marked).toMatchObject({
      claim: { holder: 'me', until: at(100) },
      dueAt: at(105),
      run: { startedAt: at(10), reusedUploads: true, searches: 0 },
    });
  });

  it('extends it by the extra time of the Run, which a searcher waits for, too', () => {
    const run = { reusedUploads: false, extraMs: 20_000 };
    const marked = mark(EXAMPLES.submitting, run, moment(10));

    expect(marked).toMatchObject({ claim: { holder: 'me', until: at(120) }, dueAt: at(125) });
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

describe('noteCallback', () => {
  it('notes the moment and the hint, and makes the generation due now', () => {
    const noted = noteCallback(EXAMPLES.running, 1, 'task-9', moment(10));

    expect(noted).toEqual({
      ...EXAMPLES.running,
      callback: { seenAt: at(10), taskId: 'task-9' },
      dueAt: at(10),
    });
  });

  it('keeps an earlier hint if a later callback names nothing', () => {
    const first = noteCallback(EXAMPLES.marked, 1, 'task-9', moment(10));

    expect(noteCallback(first, 1, undefined, moment(11))).toMatchObject({
      callback: { seenAt: at(11), taskId: 'task-9' },
    });
  });

  it('leaves no empty hint if the callback names nothing', () => {
    const noted = noteCallback(EXAMPLES.running, 1, undefined, moment(10));

    expect('callback' in noted && Object.keys(noted.callback ?? {})).toEqual(['seenAt']);
  });
});

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

describe('a setback', () => {
  it('shortens what it quotes, because every write of the state carries it', () => {
    const long = { code: 'upstream_unavailable', message: `Wiro says: ${'😀'.repeat(1_000)}` } as const;

    const troubled = requeue(EXAMPLES.submitting, long, moment(1));

    expect(troubled?.trouble?.message).toMatch(/^Wiro says: .+…$/);
    expect(troubled?.trouble?.message.length).toBeLessThanOrEqual(250);
    expect(troubled?.trouble?.message.isWellFormed()).toBe(true);
  });

  it('is tried again after a wait that doubles from five seconds to five minutes', () => {
    const waits: number[] = [];
    let generation: Generation = EXAMPLES.collecting;
    for (let tries = 0; tries < 9; tries += 1) {
      const collecting = claimToCollect(generation, 'me', moment(0));
      const later = collecting && collectLater(collecting, setback, moment(0));
      if (later?.dueAt === undefined) throw new Error('It is due later');
      waits.push((Date.parse(later.dueAt) - Date.parse(at(0))) / 1_000);
      generation = later;
    }

    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(generation.trouble).toMatchObject({ since: at(0), count: 9 });
  });

  it('keeps the start and the count of the trouble when its kind changes', () => {
    const troubled = {
      ...EXAMPLES.submitting,
      trouble: {
        since: at(-500),
        firstAt: { upstream_unavailable: at(-500) },
        count: 4,
        code: 'upstream_unavailable',
        message: 'x',
      },
    } as const;

    const same = requeue(troubled, setback, moment(10));
    const other = requeue(troubled, { code: 'internal_error', message: 'y' }, moment(10));

    expect(same).toMatchObject({ trouble: { since: at(-500), count: 5 }, dueAt: at(90) });
    expect(other).toMatchObject({
      trouble: { since: at(-500), count: 5, code: 'internal_error', message: 'y' },
      dueAt: at(90),
    });
  });

  it('survives a new claim: patience counts from the first setback', () => {
    const later = requeue(EXAMPLES.submitting, setback, moment(10));

    expect(later && claimToSubmit(later, 'you', moment(20))?.trouble?.since).toBe(at(10));
  });

  it('does not lead back to the queue while a request to cancel stands: it would not be noticed there', () => {
    const wished = requestCancel(EXAMPLES.submitting, moment(5));

    expect(whenSubmitting(wished, 'me', (held) => requeue(held, setback, moment(10)))).toBeUndefined();
    expect(whenSubmitting(wished, 'me', (held) => joinLine(held, at(5), moment(10)))).toBeUndefined();
    expect(whenHeld(wished, 'me', (held) => cancel(held, {}, moment(10)))?.status).toBe('cancelled');
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

describe('an end', () => {
  it('keeps the task, its Run and its account, announces itself, and is due until that is delivered', () => {
    const ended = succeed(EXAMPLES.collecting, { costUsd: 0.04, elapsedSeconds: 12.5 }, moment(10));

    expect(ended).toMatchObject({
      status: 'succeeded',
      run,
      task,
      costUsd: 0.04,
      elapsedSeconds: 12.5,
      endedAt: at(10),
      dueAt: at(15),
      looks: 0,
      announcements: [{ eventId: 'abcdefghijklmnopqrstuvwxyz.1.succeeded', type: 'Succeeded' }],
    });
    for (const name of ['claim', 'emptyReads', 'stop']) expect(ended).not.toHaveProperty(name);
  });

  it('keeps the mark of a Run whose task was never found', () => {
    const ended = fail(
      EXAMPLES.marked,
      { code: 'submission_unknown', message: 'x', retryable: false },
      {},
      moment(10),
    );

    expect(ended).toMatchObject({ status: 'failed', run, error: { code: 'submission_unknown' } });
  });
});

describe('requestCancel', () => {
  it('ends a queued generation at once, and announces that', () => {
    const ended = requestCancel(EXAMPLES.waiting, moment(10));

    expect(ended).toMatchObject({
      status: 'cancelled',
      cancelRequestedAt: at(10),
      endedAt: at(10),
      dueAt: at(15),
      announcements: [{ type: 'Cancelled' }],
    });
    expect(ended).not.toHaveProperty('waiting');
  });

  it('makes a task due at once, and keeps the first request', () => {
    const wished = requestCancel(EXAMPLES.running, moment(10));

    expect(wished).toEqual({ ...EXAMPLES.running, cancelRequestedAt: at(10), dueAt: at(10) });
    expect(requestCancel(wished, moment(20))).toBe(wished);
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

describe('noteLook', () => {
  it('changes nothing before the generation is due, or if nothing is left to do', () => {
    expect(noteLook(EXAMPLES.queued, moment(4.999))).toBe(EXAMPLES.queued);
    expect(noteLook(EXAMPLES.succeeded, moment(1_000))).toBe(EXAMPLES.succeeded);
  });

  it.each([
    [0, 60],
    [1, 120],
    [2, 240],
    [3, 480],
    [4, 900],
    [100, 900],
  ])('after %d looks is due after %d seconds', (looks, wait) => {
    const looked = noteLook({ ...EXAMPLES.running, looks }, moment(60));

    expect([looked.looks, looked.dueAt]).toEqual([looks + 1, at(60 + wait)]);
  });

  it('counts no looks in line, and is due when the wait is over', () => {
    const looked = noteLook(EXAMPLES.waiting, moment(300), at(100));

    expect([looked.status, looked.looks, looked.dueAt]).toEqual(['queued', 3, at(100 + WEEK)]);
  });

  it('counts the wait from now if no note says when the attempt joined the line', () => {
    expect(noteLook(EXAMPLES.waiting, moment(300)).dueAt).toBe(at(300 + WEEK));
  });

  it('fails a generation that has waited in line for too long, and announces that', () => {
    const waiting = { ...EXAMPLES.waiting, dueAt: at(WEEK) };

    expect(noteLook(waiting, moment(WEEK - 0.001), at(0))).toBe(waiting);
    const ended = noteLook(waiting, moment(WEEK), at(0));
    expect(ended).toMatchObject({
      status: 'failed',
      error: {
        code: 'waited_too_long',
        retryable: true,
        message: expect.stringContaining('Nothing was charged.'),
      },
      endedAt: at(WEEK),
      announcements: [{ type: 'Failed', attempt: 1 }],
    });
    expect(ended).not.toHaveProperty('waiting');
    assertLegal(waiting, ended);
  });

  it('does not say that nothing was charged if a callback has named a task', () => {
    const callback = { seenAt: at(5), taskId: 'task-9' };
    const ended = noteLook({ ...EXAMPLES.waiting, callback }, moment(WEEK), at(0));

    const { message } = (ended as Failed).error;
    expect(message).toContain('task-9');
    expect(message).not.toContain('Nothing was charged');
  });
});

describe('strikeOff', () => {
  const ended = fail(
    { ...EXAMPLES.collecting, announcements: [{ eventId: 'e1', type: 'Running', attempt: 1, at: at(0) }] },
    error,
    {},
    moment(10),
  ) as Generation;

  it('removes delivered announcements, and the generation stays due while there are more', () => {
    const less = strikeOff(ended, ['e1']);

    expect(less.announcements.map(({ eventId }) => eventId)).toEqual(['abcdefghijklmnopqrstuvwxyz.1.failed']);
    expect(less.dueAt).toBe(at(15));
  });

  it('leaves an ended generation without a due time once all are delivered', () => {
    const done = strikeOff(ended, ['e1', 'abcdefghijklmnopqrstuvwxyz.1.failed']);

    expect(done.announcements).toEqual([]);
    expect(done).not.toHaveProperty('dueAt');
    expect(done).toMatchObject({ status: 'failed', error, endedAt: at(10) });
  });

  it('leaves a running generation due', () => {
    const running = {
      ...EXAMPLES.running,
      announcements: [{ eventId: 'e1', type: 'Running', attempt: 1, at: at(0) }],
    } as const;

    expect(strikeOff(running, ['e1'])).toEqual({ ...EXAMPLES.running, announcements: [] });
  });
});

it('uses the durations that it is given', () => {
  const durations = { ...DURATIONS, lease: 600, clockSkew: 50 };

  const claimed = claimToSubmit(EXAMPLES.queued, 'me', { now: at(0), durations });

  expect(claimed).toMatchObject({ claim: { until: at(0.6) }, dueAt: at(0.65) });
});

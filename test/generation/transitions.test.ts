import { describe, expect, it } from 'vitest';
import type { Failed, Generation, RunMark } from '../../functions/generation/generation.ts';
import * as transitions from '../../functions/generation/transitions.ts';
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

/** The status that comes out; `same` when nothing changes, `refused` when the transition is not to be made. */
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
    (g) => transitions.claimToSubmit(g, 'me', moment(10)),
    ['submitting', 'submitting', 'same', 'same', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'claimToSubmit by another',
    (g) => transitions.claimToSubmit(g, 'you', moment(10)),
    ['submitting', 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'renewed',
    (g) => whenHeld(g, 'me', (held) => transitions.renewed(held, moment(10))),
    [REFUSED, REFUSED, 'submitting', 'submitting', REFUSED, 'collecting', REFUSED, REFUSED, REFUSED],
  ],
  [
    'turnedAway',
    (g) => whenSubmitting(g, 'me', (held) => transitions.turnedAway(held, at(5), moment(10))),
    [REFUSED, REFUSED, 'queued', 'queued', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'requeued',
    (g) => whenSubmitting(g, 'me', (held) => transitions.requeued(held, setback, moment(10))),
    [REFUSED, REFUSED, 'queued', 'queued', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'marked',
    (g) => whenSubmitting(g, 'me', (held) => transitions.marked(held, { reusedUploads: false }, moment(10))),
    [REFUSED, REFUSED, 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'withTask',
    (g) => transitions.withTask(g, run, 1, task, moment(10)),
    ['running', 'running', 'running', 'running', 'same', 'same', 'same', 'same', REFUSED],
  ],
  [
    'withTask of another task',
    (g) => transitions.withTask(g, run, 1, { id: 'task-2' }, moment(10)),
    ['running', 'running', 'running', 'running', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'withTask of another attempt',
    (g) => transitions.withTask(g, run, 2, task, moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'searched',
    (g) => whenSubmitting(g, 'me', (held) => transitions.searched(held, true, moment(10))),
    [REFUSED, REFUSED, REFUSED, 'submitting', REFUSED, REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'calledBack',
    (g) => transitions.calledBack(g, 1, 'task-1', moment(10)),
    ['queued', 'queued', 'submitting', 'submitting', 'running', 'collecting', 'same', 'same', 'same'],
  ],
  [
    'calledBack of another attempt',
    (g) => transitions.calledBack(g, 2, 'task-1', moment(10)),
    ['same', 'same', 'same', 'same', 'same', 'same', 'same', 'same', 'same'],
  ],
  [
    'claimToCollect by its holder',
    (g) => transitions.claimToCollect(g, 'me', moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, 'collecting', 'same', REFUSED, REFUSED, REFUSED],
  ],
  [
    'claimToCollect by another',
    (g) => transitions.claimToCollect(g, 'you', moment(10)),
    [REFUSED, REFUSED, REFUSED, REFUSED, 'collecting', REFUSED, REFUSED, REFUSED, REFUSED],
  ],
  [
    'stillRunning',
    (g) =>
      whenCollecting(g, 'me', (held) =>
        transitions.stillRunning(held, { callbackKnown: undefined }, moment(10)),
      ),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'collectingLater',
    (g) => whenCollecting(g, 'me', (held) => transitions.collectingLater(held, setback, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'readEmpty',
    (g) => whenCollecting(g, 'me', (held) => transitions.readEmpty(held, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'running', REFUSED, REFUSED, REFUSED],
  ],
  [
    'rerun',
    (g) => whenCollecting(g, 'me', (held) => transitions.rerun(held, error, moment(10))),
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'queued', REFUSED, REFUSED, REFUSED],
  ],
  [
    'succeeded',
    (g) => whenCollecting(g, 'me', (held) => transitions.succeeded(held, {}, moment(10))),
    // Only a task succeeds.
    [REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 'succeeded', REFUSED, REFUSED, REFUSED],
  ],
  [
    'failed',
    (g) => whenHeld(g, 'me', (held) => transitions.failed(held, error, {}, moment(10))),
    [REFUSED, REFUSED, 'failed', 'failed', REFUSED, 'failed', REFUSED, REFUSED, REFUSED],
  ],
  [
    'cancelled',
    (g) => whenHeld(g, 'me', (held) => transitions.cancelled(held, {}, moment(10))),
    [REFUSED, REFUSED, 'cancelled', 'cancelled', REFUSED, 'cancelled', REFUSED, REFUSED, REFUSED],
  ],
  [
    'cancelWished',
    (g) => transitions.cancelWished(g, moment(10)),
    ['cancelled', 'cancelled', 'submitting', 'submitting', 'running', 'collecting', 'same', 'same', 'same'],
  ],
  [
    'told of nothing that is to be told',
    (g) => transitions.told(g, ['other']),
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

describe('accepted', () => {
  it('starts in the queue, and is due in case that its submission is lost', () => {
    const { id, deployment, origin, model, requestHash } = EXAMPLES.queued;

    const generation = transitions.accepted({ id, deployment, origin, model, requestHash }, moment(0));

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
  it('holds for a minute and is due five seconds later, and starts the count of looks anew', () => {
    const claimed = transitions.claimToSubmit(EXAMPLES.queued, 'me', moment(10));

    expect(claimed).toMatchObject({ claim: { holder: 'me', until: at(70) }, dueAt: at(75), looks: 0 });
  });

  it.each([
    ['submitting', 64.999, undefined],
    ['submitting', 65, 'you'],
    ['marked', 64.999, undefined],
    ['marked', 65, 'you'],
  ] as const)('of %s is free for others at second %d: %s', (name, seconds, holder) => {
    const claimed = transitions.claimToSubmit(EXAMPLES[name], 'you', moment(seconds));

    expect(claimed?.claim.holder).toBe(holder);
  });

  it.each([
    [64.999, undefined],
    [65, 'you'],
  ] as const)('of collecting is free for others at second %d: %s', (seconds, holder) => {
    const claimed = transitions.claimToCollect(EXAMPLES.collecting, 'you', moment(seconds));

    expect(claimed?.claim.holder).toBe(holder);
  });

  it('taken over keeps the mark: a task may exist', () => {
    const claimed = transitions.claimToSubmit(EXAMPLES.marked, 'you', moment(65));

    expect(claimed?.run).toEqual(run);
  });

  it('is prolonged from now, not from where it ended', () => {
    const renewed = transitions.renewed(EXAMPLES.collecting, moment(20));

    expect(renewed).toMatchObject({ claim: { holder: 'me', until: at(80) }, dueAt: at(85) });
  });

  it('that is over still belongs to its holder until another takes it', () => {
    expect(transitions.renewed(EXAMPLES.submitting, moment(1_000))).toMatchObject({
      claim: { holder: 'me', until: at(1_060) },
    });
  });
});

describe('the write-ahead mark', () => {
  it('prolongs the lease to 90 seconds and says when the Run began', () => {
    const marked = transitions.marked(EXAMPLES.submitting, { reusedUploads: true }, moment(10));

    expect(marked).toMatchObject({
      claim: { holder: 'me', until: at(100) },
      dueAt: at(105),
      run: { startedAt: at(10), reusedUploads: true, searches: 0 },
    });
  });

  it('prolongs it by what its Run may take longer, for whoever searches too', () => {
    const run = { reusedUploads: false, extraMs: 20_000 };
    const marked = transitions.marked(EXAMPLES.submitting, run, moment(10));

    expect(marked).toMatchObject({ claim: { holder: 'me', until: at(120) }, dueAt: at(125) });
    expect(marked && transitions.claimToSubmit(marked, 'you', moment(124.999))).toBeUndefined();
    expect(marked && transitions.claimToSubmit(marked, 'you', moment(125))).toMatchObject({
      run: marked?.run,
    });
    expect(Object.keys(marked?.run ?? {})).toEqual(['startedAt', 'reusedUploads', 'searches']);
  });

  it('is not written under a wish to cancel', () => {
    const wished = transitions.cancelWished(EXAMPLES.submitting, moment(5));

    expect(
      whenSubmitting(wished, 'me', (held) => transitions.marked(held, { reusedUploads: false }, moment(10))),
    ).toBeUndefined();
  });

  it('is gone with every way back to the queue', () => {
    expect(transitions.turnedAway(EXAMPLES.marked, at(5), moment(10))).not.toHaveProperty('run');
    expect(transitions.requeued(EXAMPLES.marked, setback, moment(10))).not.toHaveProperty('run');
  });
});

describe('withTask', () => {
  it('needs no claim: whoever has the answer records it', () => {
    const takenOver = transitions.claimToSubmit(EXAMPLES.marked, 'you', moment(65));

    const recorded = takenOver && transitions.withTask(takenOver, run, 1, task, moment(70));

    expect(recorded).toMatchObject({ status: 'running', run, task, emptyReads: 0, dueAt: at(130) });
    expect(recorded).not.toHaveProperty('claim');
  });

  it('announces that it runs', () => {
    const recorded = transitions.withTask(EXAMPLES.marked, run, 1, task, moment(10));

    expect(recorded?.announcements).toEqual([
      { eventId: 'abcdefghijklmnopqrstuvwxyz.1.running', type: 'Running', attempt: 1, at: at(10) },
    ]);
  });

  it.each([
    ['called back', transitions.calledBack(EXAMPLES.marked, 1, 'task-1', moment(3))],
    ['wished cancelled', transitions.cancelWished(EXAMPLES.marked, moment(3))],
  ])('is due at once when it was %s meanwhile', (_, generation) => {
    expect(transitions.withTask(generation, run, 1, task, moment(10))?.dueAt).toBe(at(10));
  });

  it('forgets what went wrong before', () => {
    const troubled = transitions.requeued(EXAMPLES.submitting, setback, moment(1));

    expect(troubled && transitions.withTask(troubled, run, 1, task, moment(10))).not.toHaveProperty(
      'trouble',
    );
  });
});

describe('the search for a lost Run', () => {
  it('that was complete is repeated after a minute, not earlier by anybody', () => {
    const searched = transitions.searched(EXAMPLES.marked, true, moment(100));

    expect(searched).toMatchObject({
      run: { emptySearchAt: at(100), searches: 1 },
      claim: { until: at(100) },
      dueAt: at(160),
    });
    expect(searched && transitions.claimToSubmit(searched, 'you', moment(159.999))).toBeUndefined();
    expect(searched && transitions.claimToSubmit(searched, 'you', moment(160))?.claim.holder).toBe('you');
  });

  it('that was complete twice lets the Run be repeated, with the same claim', () => {
    const once = transitions.searched(EXAMPLES.marked, true, moment(100));
    const again = once && transitions.claimToSubmit(once, 'you', moment(160));

    const cleared = again && transitions.unmarked(again, moment(161));

    expect(cleared).not.toHaveProperty('run');
    expect(cleared).toMatchObject({ status: 'submitting', claim: { holder: 'you', until: at(220) } });
  });

  it.each([
    ['none', undefined, 200],
    ['one', at(100), 159.999],
  ])('lets no Run be repeated after %s, by the same holder either', (_, emptySearchAt, seconds) => {
    const marked = { ...EXAMPLES.marked, run: { ...run, ...(emptySearchAt && { emptySearchAt }) } };

    expect(transitions.unmarked(marked, moment(seconds))).toBeUndefined();
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

    const searched = transitions.searched(marked, false, moment(100));

    expect(searched?.dueAt).toBe(at(100 + wait));
    expect(searched?.run).toEqual({ startedAt: at(0), reusedUploads: false, searches: searches + 1 });
  });

  it('that proved nothing makes an earlier complete one worthless', () => {
    const marked = { ...EXAMPLES.marked, run: { ...run, emptySearchAt: at(100), searches: 1 } };

    expect(transitions.searched(marked, false, moment(160))?.run).not.toHaveProperty('emptySearchAt');
  });

  it('says when a complete one first found nothing, however many follow', () => {
    const marked = { ...EXAMPLES.marked, run: { ...run, emptySearchAt: at(100), searches: 1 } };

    expect(transitions.searched(marked, true, moment(160))?.run?.emptySearchAt).toBe(at(100));
  });
});

describe('calledBack', () => {
  it('notes the moment and the hint, and makes it due now', () => {
    const noted = transitions.calledBack(EXAMPLES.running, 1, 'task-9', moment(10));

    expect(noted).toEqual({
      ...EXAMPLES.running,
      callback: { seenAt: at(10), taskId: 'task-9' },
      dueAt: at(10),
    });
  });

  it('keeps an earlier hint when a later one names nothing', () => {
    const first = transitions.calledBack(EXAMPLES.marked, 1, 'task-9', moment(10));

    expect(transitions.calledBack(first, 1, undefined, moment(11))).toMatchObject({
      callback: { seenAt: at(11), taskId: 'task-9' },
    });
  });

  it('that names nothing leaves no empty hint', () => {
    const noted = transitions.calledBack(EXAMPLES.running, 1, undefined, moment(10));

    expect('callback' in noted && Object.keys(noted.callback ?? {})).toEqual(['seenAt']);
  });
});

describe('stillRunning', () => {
  const release = (generation: Generation, seconds: number, stop?: { cancelSentAt: string }) =>
    whenCollecting(generation, 'me', (held) =>
      transitions.stillRunning(held, { callbackKnown: undefined, ...(stop && { stop }) }, moment(seconds)),
    );

  it.each([
    // [asked at second, next look after so many seconds]: half its age, from one minute to fifteen.
    [10, 60],
    [120, 60],
    [121, 60.5],
    [600, 300],
    [1_800, 900],
    [10_000, 900],
    // The deadline of six hours is second 21,600.
    [21_000, 600],
    [21_599, 1],
  ])('at second %d is looked at again after %d', (seconds, wait) => {
    expect(release(EXAMPLES.collecting, seconds)?.dueAt).toBe(at(seconds + wait));
  });

  it('is looked at again at once when it was called back since it was asked', () => {
    const calledBack = transitions.calledBack(EXAMPLES.collecting, 1, undefined, moment(9));

    expect(release(calledBack, 10)?.dueAt).toBe(at(10));
  });

  it('is not looked at again at once for a callback that was known when it was asked', () => {
    const calledBack = transitions.calledBack(EXAMPLES.collecting, 1, undefined, moment(9));

    const released = transitions.stillRunning(calledBack, { callbackKnown: at(9) }, moment(10));

    expect(released?.dueAt).toBe(at(70));
  });

  it('is looked at again at once when a cancellation was wished since it was asked', () => {
    const wished = transitions.cancelWished(EXAMPLES.collecting, moment(9));

    expect(release(wished, 10)?.dueAt).toBe(at(10));
  });

  it('is looked at again at once when its deadline passed since it was asked', () => {
    expect(release(EXAMPLES.collecting, 21_600)?.dueAt).toBe(at(21_600));
  });

  it('that was asked to stop is looked at again after fifteen seconds, and remembers it', () => {
    const wished = transitions.cancelWished(EXAMPLES.collecting, moment(9));

    const released = release(wished, 10, { cancelSentAt: at(10) });

    expect(released).toMatchObject({ stop: { cancelSentAt: at(10) }, dueAt: at(25) });
  });

  it('forgets trouble and looks: Wiro answered', () => {
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
  it('keeps in brief what others say, which every write of the state would carry', () => {
    const long = { code: 'upstream_unavailable', message: `Wiro says: ${'😀'.repeat(1_000)}` } as const;

    const troubled = transitions.requeued(EXAMPLES.submitting, long, moment(1));

    expect(troubled?.trouble?.message).toMatch(/^Wiro says: .+…$/);
    expect(troubled?.trouble?.message.length).toBeLessThanOrEqual(250);
    expect(troubled?.trouble?.message.isWellFormed()).toBe(true);
  });

  it('is tried again after a wait that doubles from five seconds to five minutes', () => {
    const waits: number[] = [];
    let generation: Generation = EXAMPLES.collecting;
    for (let tries = 0; tries < 9; tries += 1) {
      const collecting = transitions.claimToCollect(generation, 'me', moment(0));
      const later = collecting && transitions.collectingLater(collecting, setback, moment(0));
      if (later?.dueAt === undefined) throw new Error('It is due later');
      waits.push((Date.parse(later.dueAt) - Date.parse(at(0))) / 1_000);
      generation = later;
    }

    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(generation.trouble).toMatchObject({ since: at(0), count: 9 });
  });

  it('keeps when the trouble began, and how often there was one, though its kind changes', () => {
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

    const same = transitions.requeued(troubled, setback, moment(10));
    const other = transitions.requeued(troubled, { code: 'internal_error', message: 'y' }, moment(10));

    expect(same).toMatchObject({ trouble: { since: at(-500), count: 5 }, dueAt: at(90) });
    expect(other).toMatchObject({
      trouble: { since: at(-500), count: 5, code: 'internal_error', message: 'y' },
      dueAt: at(90),
    });
  });

  it('survives a new claim: patience counts from the first', () => {
    const later = transitions.requeued(EXAMPLES.submitting, setback, moment(10));

    expect(later && transitions.claimToSubmit(later, 'you', moment(20))?.trouble?.since).toBe(at(10));
  });

  it('does not lead back to the queue under a wish to cancel: nobody would look there', () => {
    const wished = transitions.cancelWished(EXAMPLES.submitting, moment(5));

    expect(
      whenSubmitting(wished, 'me', (held) => transitions.requeued(held, setback, moment(10))),
    ).toBeUndefined();
    expect(
      whenSubmitting(wished, 'me', (held) => transitions.turnedAway(held, at(5), moment(10))),
    ).toBeUndefined();
    expect(whenHeld(wished, 'me', (held) => transitions.cancelled(held, {}, moment(10)))?.status).toBe(
      'cancelled',
    );
  });
});

describe('the line at the gate', () => {
  it('is waited in without a claim, and due a week after it was joined, whenever it was turned away last', () => {
    const away = transitions.turnedAway(EXAMPLES.submitting, at(5), moment(10));

    expect(away).toMatchObject({ status: 'queued', waiting: true, dueAt: at(5 + WEEK) });
    expect(away).not.toHaveProperty('claim');
  });

  it('is left with a claim', () => {
    expect(transitions.claimToSubmit(EXAMPLES.waiting, 'me', moment(10))).not.toHaveProperty('waiting');
  });
});

describe('an end with no outputs', () => {
  it('is counted, and read again after twenty seconds', () => {
    const once = transitions.readEmpty(EXAMPLES.collecting, moment(10));
    const again = once && transitions.claimToCollect(once, 'me', moment(30));
    const twice = again && transitions.readEmpty(again, moment(30));

    expect([once?.emptyReads, once?.dueAt]).toEqual([1, at(30)]);
    expect([twice?.emptyReads, twice?.dueAt]).toEqual([2, at(50)]);
  });
});

describe('rerun', () => {
  it('starts the next attempt with fresh uploads, keeps what the last one came to, and forgets its callback', () => {
    const calledBack = transitions.calledBack(EXAMPLES.collecting, 1, 'task-1', moment(5));

    const again = transitions.rerun(calledBack, error, moment(10));

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
    const again = transitions.rerun(EXAMPLES.collecting, error, moment(10));

    expect(again && transitions.withTask(again, run, 1, task, moment(11))).toBeUndefined();
  });

  it('keeps a wish to cancel, so that the next attempt never runs', () => {
    const wished = transitions.cancelWished(EXAMPLES.collecting, moment(5));
    const again = whenCollecting(wished, 'me', (held) => transitions.rerun(held, error, moment(10)));
    const claimed = again && transitions.claimToSubmit(again, 'you', moment(20));

    expect(claimed && transitions.marked(claimed, { reusedUploads: false }, moment(20))).toBeUndefined();
  });
});

describe('an end', () => {
  it('keeps the task, its Run and its account, tells of it, and is due until it is told', () => {
    const ended = transitions.succeeded(
      EXAMPLES.collecting,
      { costUsd: 0.04, elapsedSeconds: 12.5 },
      moment(10),
    );

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
    const ended = transitions.failed(
      EXAMPLES.marked,
      { code: 'submission_unknown', message: 'x', retryable: false },
      {},
      moment(10),
    );

    expect(ended).toMatchObject({ status: 'failed', run, error: { code: 'submission_unknown' } });
  });
});

describe('cancelWished', () => {
  it('ends what only waits at once, and tells of it', () => {
    const ended = transitions.cancelWished(EXAMPLES.waiting, moment(10));

    expect(ended).toMatchObject({
      status: 'cancelled',
      cancelRequestedAt: at(10),
      endedAt: at(10),
      dueAt: at(15),
      announcements: [{ type: 'Cancelled' }],
    });
    expect(ended).not.toHaveProperty('waiting');
  });

  it('makes a task due at once, and counts from the first wish', () => {
    const wished = transitions.cancelWished(EXAMPLES.running, moment(10));

    expect(wished).toEqual({ ...EXAMPLES.running, cancelRequestedAt: at(10), dueAt: at(10) });
    expect(transitions.cancelWished(wished, moment(20))).toBe(wished);
  });
});

describe('isToStop', () => {
  it.each([
    ['by nobody', EXAMPLES.running, 21_599.999, false],
    ['by its deadline', EXAMPLES.running, 21_600, true],
    ['by a wish', { ...EXAMPLES.running, cancelRequestedAt: at(1) }, 2, true],
  ] as const)('%s', (_, generation, seconds, expected) => {
    expect(transitions.isToStop(generation, moment(seconds))).toBe(expected);
  });
});

describe('lookedAt', () => {
  it('changes nothing before it is due, nor when nothing is left to do', () => {
    expect(transitions.lookedAt(EXAMPLES.queued, moment(4.999))).toBe(EXAMPLES.queued);
    expect(transitions.lookedAt(EXAMPLES.succeeded, moment(1_000))).toBe(EXAMPLES.succeeded);
  });

  it.each([
    [0, 60],
    [1, 120],
    [2, 240],
    [3, 480],
    [4, 900],
    [100, 900],
  ])('after %d looks comes back after %d seconds', (looks, wait) => {
    const looked = transitions.lookedAt({ ...EXAMPLES.running, looks }, moment(60));

    expect([looked.looks, looked.dueAt]).toEqual([looks + 1, at(60 + wait)]);
  });

  it('counts no looks while it waits in line, and comes back when its time there is over', () => {
    const looked = transitions.lookedAt(EXAMPLES.waiting, moment(300), at(100));

    expect([looked.status, looked.looks, looked.dueAt]).toEqual(['queued', 3, at(100 + WEEK)]);
  });

  it('counts the time in line from now for one of which nobody noted when it joined', () => {
    expect(transitions.lookedAt(EXAMPLES.waiting, moment(300)).dueAt).toBe(at(300 + WEEK));
  });

  it('ends one that has waited in line for as long as it may, and has that told', () => {
    const waiting = { ...EXAMPLES.waiting, dueAt: at(WEEK) };

    expect(transitions.lookedAt(waiting, moment(WEEK - 0.001), at(0))).toBe(waiting);
    const ended = transitions.lookedAt(waiting, moment(WEEK), at(0));
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

  it('does not say that nothing was charged where a callback has named a task', () => {
    const callback = { seenAt: at(5), taskId: 'task-9' };
    const ended = transitions.lookedAt({ ...EXAMPLES.waiting, callback }, moment(WEEK), at(0));

    const { message } = (ended as Failed).error;
    expect(message).toContain('task-9');
    expect(message).not.toContain('Nothing was charged');
  });
});

describe('told', () => {
  const ended = transitions.failed(
    { ...EXAMPLES.collecting, announcements: [{ eventId: 'e1', type: 'Running', attempt: 1, at: at(0) }] },
    error,
    {},
    moment(10),
  ) as Generation;

  it('takes off what was told, and stays due while there is more', () => {
    const less = transitions.told(ended, ['e1']);

    expect(less.announcements.map(({ eventId }) => eventId)).toEqual(['abcdefghijklmnopqrstuvwxyz.1.failed']);
    expect(less.dueAt).toBe(at(15));
  });

  it('leaves an ended generation without anything due once all was told', () => {
    const done = transitions.told(ended, ['e1', 'abcdefghijklmnopqrstuvwxyz.1.failed']);

    expect(done.announcements).toEqual([]);
    expect(done).not.toHaveProperty('dueAt');
    expect(done).toMatchObject({ status: 'failed', error, endedAt: at(10) });
  });

  it('leaves one that runs due', () => {
    const running = {
      ...EXAMPLES.running,
      announcements: [{ eventId: 'e1', type: 'Running', attempt: 1, at: at(0) }],
    } as const;

    expect(transitions.told(running, ['e1'])).toEqual({ ...EXAMPLES.running, announcements: [] });
  });
});

it('uses the durations that it is told', () => {
  const durations = { ...DURATIONS, lease: 600, clockSkew: 50 };

  const claimed = transitions.claimToSubmit(EXAMPLES.queued, 'me', { now: at(0), durations });

  expect(claimed).toMatchObject({ claim: { until: at(0.6) }, dueAt: at(0.65) });
});

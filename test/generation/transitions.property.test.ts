import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Generation, hasEnded, type RunMark } from '../../functions/generation/generation.ts';
import { accept } from '../../functions/generation/transitions/accept.ts';
import { renew } from '../../functions/generation/transitions/claim.ts';
import {
  claimToCollect,
  collectLater,
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
import { at, EXAMPLES, moment } from './examples.ts';
import { assertLegal } from './legal.ts';
import { whenCollecting, whenHeld, whenSubmitting } from './when-held.ts';

// A model of the world around the state machine: several workers that may stop at any point and go on much later, with
// different clocks, and Wiro, where a Run makes a task or not, whether or not its answer arrives.

const HOLDERS = ['a', 'b', 'c'] as const;
type Holder = (typeof HOLDERS)[number];
/** Clocks differ by at most what the settings allow. */
const SKEW: Record<Holder, number> = { a: 0, b: 4.9, c: -0.1 };

const error = { code: 'model_failed', message: 'The model failed.', retryable: true } as const;
const setback = { code: 'upstream_unavailable', message: 'Wiro is away.' } as const;

interface Step {
  readonly wait: number;
  readonly who: Holder | 'its holder';
  readonly what: keyof typeof ACTIONS | 'forward';
  readonly dice: number;
}

interface Answer {
  readonly taskId: string;
  readonly run: RunMark;
  readonly attempt: number;
}

class World {
  generation: Generation = accept(
    {
      id: EXAMPLES.queued.id,
      deployment: 'shop',
      origin: 'api',
      model: 'wiro/flux',
      requestHash: 'hash',
    },
    moment(0),
  );
  seconds = 0;
  /** Tasks at Wiro. More than one for an attempt is a double charge. */
  readonly tasks: { readonly id: string; readonly attempt: number; readonly madeAt: number }[] = [];
  /** Answers that their workers have not recorded yet. They may do so at any time. */
  readonly answers: Answer[] = [];
  /** Marks whose Run may still be sent: it is not sent yet, and its time limit is not over. */
  readonly sendable = new Map<
    Holder,
    { readonly run: RunMark; readonly attempt: number; readonly since: number }
  >();

  /** Every invocation has a holder name of its own. */
  readonly holders = new Map<Holder, string>();
  /** Holders whose claim found a mark. */
  readonly searchers = new Set<string>();
  #named = 0;

  newHolder = (who: Holder) => `${who}${++this.#named}`;
  holder = (who: Holder) => this.holders.get(who) ?? who;
  moment = (who: Holder) => moment(this.seconds + SKEW[who]);

  apply(next: Generation | undefined): boolean {
    if (next === undefined || next === this.generation) return next !== undefined;
    assertLegal(this.generation, next);
    this.generation = { ...next, revision: this.generation.revision + 1 };
    return true;
  }
}

const ACTIONS = {
  claimToSubmit: (world: World, who: Holder) => {
    const holder = world.newHolder(who);
    const next = claimToSubmit(world.generation, holder, world.moment(who));
    if (next === undefined) return;
    world.holders.set(who, holder);
    if (next.run !== undefined) world.searchers.add(holder);
    world.apply(next);
  },
  renew: (world: World, who: Holder) =>
    world.apply(whenHeld(world.generation, world.holder(who), (held) => renew(held, world.moment(who)))),
  turnAway: (world: World, who: Holder) => {
    // Never with a mark whose Run may have been sent: the code joins the line before the mark, or after a plain refusal.
    if (!('run' in world.generation && world.generation.run)) {
      const moment = world.moment(who);
      world.apply(
        whenSubmitting(world.generation, world.holder(who), (held) => joinLine(held, moment.now, moment)),
      );
    }
  },
  requeue: (world: World, who: Holder) => {
    if (!('run' in world.generation && world.generation.run))
      world.apply(
        whenSubmitting(world.generation, world.holder(who), (held) =>
          requeue(held, setback, world.moment(who)),
        ),
      );
  },
  mark: (world: World, who: Holder) => {
    const before = world.generation;
    const next = whenSubmitting(before, world.holder(who), (held) =>
      mark(held, { reusedUploads: true }, world.moment(who)),
    );
    if (next?.run === undefined) return;
    // The property against a second charge: no Run while another may have made a task.
    assert.deepEqual(
      world.tasks.filter(({ attempt }) => attempt === next.attempt),
      [],
      'A Run may be sent although one made a task',
    );
    world.apply(next);
    world.sendable.set(who, { run: next.run, attempt: next.attempt, since: world.seconds });
  },
  sendRun: (world: World, who: Holder, dice: number) => {
    const marked = world.sendable.get(who);
    world.sendable.delete(who);
    // A Run is sent within 10 seconds of its mark or not at all. Its whole answer takes at most 30 seconds.
    if (marked === undefined || world.seconds - marked.since > 10) return;
    const { run, attempt } = marked;
    const fate = dice % 4;
    if (fate === 0) return; // Lost on its way.
    if (fate === 1) {
      // Plainly refused: no task, and its worker records that.
      world.apply(
        whenSubmitting(world.generation, world.holder(who), (held) =>
          requeue(held, setback, world.moment(who)),
        ),
      );
      return;
    }
    const taskId = `task-${world.tasks.length + 1}`;
    world.tasks.push({ id: taskId, attempt, madeAt: world.seconds });
    if (fate === 2) world.answers.push({ taskId, run, attempt }); // Else the answer is lost.
  },
  recordAnswer: (world: World, who: Holder, dice: number) => {
    const answer = world.answers[dice % Math.max(world.answers.length, 1)];
    if (answer === undefined) return;
    const { run, attempt, taskId } = answer;
    const next = startRunning(
      world.generation,
      run,
      attempt,
      { id: taskId },
      world.moment(who),
      dice % 2 === 0,
    );
    // A paid answer is dropped only if its generation has ended or started the next attempt.
    assert(next !== undefined || hasEnded(world.generation) || world.generation.attempt > attempt);
    world.apply(next);
  },
  search: (world: World, who: Holder, dice: number) => {
    const { generation } = world;
    if (generation.status !== 'submitting' || generation.claim.holder !== world.holder(who)) return;
    const { run } = generation;
    // Only a worker that took the claim over searches, and only once. Not the worker whose Run is under way.
    if (run === undefined || !world.searchers.delete(world.holder(who))) return;
    const found = world.tasks.find(({ attempt }) => attempt === generation.attempt);
    // The list is true but late: later than one search, never later than two. Or it cannot be read.
    const isShown = found !== undefined && world.seconds - found.madeAt >= dice % 130;
    if (isShown) {
      world.apply(
        startRunning(generation, run, generation.attempt, { id: found.id }, world.moment(who), false),
      );
      return;
    }
    const isComplete = dice % 3 !== 0;
    const cleared = isComplete
      ? whenSubmitting(generation, world.holder(who), (held) => unmark(held, world.moment(who)))
      : undefined;
    world.apply(
      cleared ??
        whenSubmitting(generation, world.holder(who), (held) =>
          noteSearch(held, isComplete, world.moment(who)),
        ),
    );
  },
  callBack: (world: World, who: Holder, dice: number) => {
    const task = world.tasks[dice % Math.max(world.tasks.length, 1)];
    world.apply(
      noteCallback(
        world.generation,
        task?.attempt ?? world.generation.attempt,
        dice % 2 === 0 ? task?.id : undefined,
        world.moment(who),
      ),
    );
  },
  claimToCollect: (world: World, who: Holder) => {
    const holder = world.newHolder(who);
    const next = claimToCollect(world.generation, holder, world.moment(who));
    if (next === undefined) return;
    world.holders.set(who, holder);
    world.apply(next);
  },
  stillRunning: (world: World, who: Holder, dice: number) => {
    const stop = dice % 3 === 0 ? { stop: { cancelSentAt: world.moment(who).now } } : {};
    world.apply(
      whenCollecting(world.generation, world.holder(who), (held) =>
        lookLater(held, { callbackKnown: undefined, ...stop }, world.moment(who)),
      ),
    );
  },
  collectLater: (world: World, who: Holder) =>
    world.apply(
      whenCollecting(world.generation, world.holder(who), (held) =>
        collectLater(held, setback, world.moment(who)),
      ),
    ),
  readEmpty: (world: World, who: Holder) =>
    world.apply(
      whenCollecting(world.generation, world.holder(who), (held) => readLater(held, world.moment(who))),
    ),
  rerun: (world: World, who: Holder) => {
    // Only once: not after a run with fresh uploads.
    if (world.generation.freshUploads === undefined)
      world.apply(
        whenCollecting(world.generation, world.holder(who), (held) => rerun(held, error, world.moment(who))),
      );
  },
  succeed: (world: World, who: Holder) =>
    world.apply(
      whenCollecting(world.generation, world.holder(who), (held) =>
        succeed(held, { costUsd: 0.04 }, world.moment(who)),
      ),
    ),
  fail: (world: World, who: Holder) =>
    world.apply(
      whenHeld(world.generation, world.holder(who), (held) => fail(held, error, {}, world.moment(who))),
    ),
  cancel: (world: World, who: Holder) =>
    world.apply(whenHeld(world.generation, world.holder(who), (held) => cancel(held, {}, world.moment(who)))),
  wishCancel: (world: World, who: Holder) => world.apply(requestCancel(world.generation, world.moment(who))),
  look: (world: World, who: Holder) => world.apply(noteLook(world.generation, world.moment(who))),
  tell: (world: World, _who: Holder, dice: number) => {
    const { announcements } = world.generation;
    const some = announcements.filter((_, index) => ((dice >> index) & 1) === 1);
    world.apply(
      strikeOff(
        world.generation,
        some.map(({ eventId }) => eventId),
      ),
    );
  },
} satisfies Record<string, (world: World, who: Holder, dice: number) => unknown>;

const NAMES = Object.keys(ACTIONS) as (keyof typeof ACTIONS)[];

/** What an undisturbed worker would do now, so that sequences get far. */
function forward(world: World, dice: number): keyof typeof ACTIONS {
  const { generation } = world;
  if (world.sendable.size > 0) return 'sendRun';
  if (world.answers.length > 0 && dice % 3 > 0) return 'recordAnswer';
  switch (generation.status) {
    case 'queued':
      return 'claimToSubmit';
    case 'submitting':
      if (generation.run === undefined) return 'mark';
      return dice % 2 === 0 ? 'claimToSubmit' : 'search';
    case 'running':
      return 'claimToCollect';
    case 'collecting':
      return (['stillRunning', 'readEmpty', 'rerun', 'rerun', 'succeed'] as const)[dice % 5] ?? 'fail';
    default:
      return 'tell';
  }
}

const steps = (names: readonly (keyof typeof ACTIONS)[]) =>
  fc.array(
    fc.record({
      wait: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 5 }) },
        { weight: 2, arbitrary: fc.constantFrom(20, 45, 60, 65, 95, 100) },
        { weight: 1, arbitrary: fc.constantFrom(600, 7_200, 30_000) },
      ),
      who: fc.oneof(
        { weight: 2, arbitrary: fc.constant('its holder' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...HOLDERS) },
      ),
      what: fc.oneof(
        { weight: 3, arbitrary: fc.constant('forward' as const) },
        { weight: 1, arbitrary: fc.constantFrom(...names) },
      ),
      dice: fc.nat({ max: 1_000 }),
    }) satisfies fc.Arbitrary<Step>,
    { minLength: 10, maxLength: 60, size: 'max' },
  );

function play(sequence: readonly Step[], repeat = 1): World {
  const world = new World();
  for (const { wait, who, what, dice } of sequence) {
    world.seconds += wait;
    const action = what === 'forward' ? forward(world, dice) : what;
    const sender = action === 'sendRun' ? [...world.sendable.keys()][0] : undefined;
    const holder = 'claim' in world.generation ? world.generation.claim.holder[0] : HOLDERS[dice % 3];
    const worker = sender ?? HOLDERS.find((one) => one === (who === 'its holder' ? holder : who)) ?? 'a';
    for (let times = 0; times < repeat; times += 1) ACTIONS[action](world, worker, dice);
  }
  return world;
}

const RUNS = { numRuns: 1_500, seed: 20_260_101 };

describe('any sequence of transitions, by several holders at any time', () => {
  it('stays within the diagram, changes no end, and is due while anything is left to do', () => {
    fc.assert(
      fc.property(steps(NAMES), (sequence) => {
        // `assertLegal` checks every step.
        play(sequence);
      }),
      RUNS,
    );
  });

  it('makes at most one task per attempt, and never loses a task that was answered', () => {
    let made = 0;
    fc.assert(
      fc.property(steps(NAMES), (sequence) => {
        const { tasks } = play(sequence);

        made += tasks.length;
        expect(new Set(tasks.map(({ attempt }) => attempt)).size).toBe(tasks.length);
      }),
      RUNS,
    );
    // The sequences get far enough.
    expect(made).toBeGreaterThan(300);
  });

  it('is not harmed if every step is done twice', () => {
    fc.assert(
      fc.property(steps(NAMES.filter((name) => name !== 'sendRun')), (sequence) => {
        play(sequence, 2);
      }),
      { ...RUNS, numRuns: 500 },
    );
  });
});

describe('a holder whose claim another holder took', () => {
  const writes: Record<string, (generation: Generation) => Generation | undefined> = {
    renewed: (g) => whenHeld(g, 'late', (held) => renew(held, moment(100))),
    turnedAway: (g) => whenSubmitting(g, 'late', (held) => joinLine(held, at(0), moment(100))),
    requeued: (g) => whenSubmitting(g, 'late', (held) => requeue(held, setback, moment(100))),
    marked: (g) => whenSubmitting(g, 'late', (held) => mark(held, { reusedUploads: false }, moment(100))),
    searched: (g) => whenSubmitting(g, 'late', (held) => noteSearch(held, true, moment(100))),
    unmarked: (g) => whenSubmitting(g, 'late', (held) => unmark(held, moment(100))),
    stillRunning: (g) =>
      whenCollecting(g, 'late', (held) => lookLater(held, { callbackKnown: undefined }, moment(100))),
    collectingLater: (g) => whenCollecting(g, 'late', (held) => collectLater(held, setback, moment(100))),
    readEmpty: (g) => whenCollecting(g, 'late', (held) => readLater(held, moment(100))),
    rerun: (g) => whenCollecting(g, 'late', (held) => rerun(held, error, moment(100))),
    succeeded: (g) => whenCollecting(g, 'late', (held) => succeed(held, {}, moment(100))),
    failed: (g) => whenHeld(g, 'late', (held) => fail(held, error, {}, moment(100))),
    cancelled: (g) => whenHeld(g, 'late', (held) => cancel(held, {}, moment(100))),
  };

  it('writes nothing, whatever state the generation is in', () => {
    fc.assert(
      fc.property(steps(NAMES), fc.constantFrom(...Object.keys(writes)), (sequence, name) => {
        const { generation } = play(sequence);

        expect(writes[name]?.(generation)).toBeUndefined();
      }),
      { ...RUNS, numRuns: 500 },
    );
  });
});

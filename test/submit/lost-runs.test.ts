import { beforeEach, describe, expect, it, vi } from 'vitest';
import { hasEnded } from '../../functions/generation/generation.ts';
import { noteCallback } from '../../functions/generation/transitions/note-callback.ts';
import { requestCancel } from '../../functions/generation/transitions/request-cancel.ts';
import { log } from '../../functions/runtime/log.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { RunOutcome, Task, TaskPage } from '../../functions/wiro/types.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { SUBMIT_DEFAULTS } from './submit-defaults.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const HOUR = 3_600;
const nothing: TaskPage = { tasks: [], rows: 0 };
const unreadable = () => Promise.reject(new WiroError('badAnswer', 'no answer', { retryable: false }));
const refusing = (refusal: string) => async (): Promise<RunOutcome> => ({
  kind: 'unknown',
  message: `Wiro refused it saying ${refusal}`,
  refusal,
});
const silent = async (): Promise<RunOutcome> => ({ kind: 'unknown', message: 'Wiro answered 503' });

/** A generation whose Runs get given answers. It is submitted whenever it is due. */
async function losing({
  run,
  tasks = async () => nothing,
}: {
  run: (nth: number) => Promise<RunOutcome>;
  tasks?: () => Promise<TaskPage>;
}) {
  const world = workWorld();
  await world.accept(ID);
  /** The Runs sent, in seconds after acceptance. */
  const runs: number[] = [];
  let seconds = 0;
  const known: Task[] = [];
  const deps: SubmitDeps = {
    ...world.shared,
    ...SUBMIT_DEFAULTS,
    wiro: {
      run: () => {
        runs.push(seconds);
        return run(runs.length);
      },
      tasks,
      model: async () => undefined,
      task: async (ref) => known.find(({ id }) => 'taskId' in ref && ref.taskId === id),
      upload: () => Promise.reject(new Error('not asked for')),
    },
  };
  const { state } = world;
  return {
    ...world,
    deps,
    runs,
    known,
    state,
    seconds: () => seconds,
    /** Looks every minute, as `reconcile` does, until the generation has ended or these seconds have passed. */
    async work(until: number) {
      for (; seconds < until; seconds += 60, world.pass(60)) {
        const generation = await state();
        if (hasEnded(generation)) return;
        if ((generation.dueAt ?? '') <= world.shared.clock().toISOString()) await submitGeneration(deps, ID);
      }
    },
  };
}

describe('a Run that Wiro always answers in the same way', () => {
  it('is refused for good once the same refusal came three times in half an hour, with proof that nothing ran', async () => {
    const { work, state, runs, seconds, gate, announced } = await losing({
      run: refusing('Your team has reached its spend limit'),
    });

    await work(24 * HOUR);

    expect(await state()).toMatchObject({
      status: 'failed',
      error: {
        code: 'upstream_refused',
        message:
          'Wiro refuses the request every time (Your team has reached its spend limit). No task was made, nothing is charged: correct the request, or fix at Wiro what it names, and retry.',
        retryable: true,
      },
    });
    expect(seconds()).toBeGreaterThan(HOUR / 2);
    expect(seconds()).toBeLessThan(HOUR);
    expect(runs.length).toBeGreaterThanOrEqual(3);
    expect([await gate.holders(), announced]).toEqual([[], [ID]]);
  });

  it('is not believed while the searches prove nothing', async () => {
    const { work, state, runs } = await losing({ run: refusing('No.'), tasks: unreadable });

    await work(5 * HOUR);

    expect([(await state()).status, runs.length]).toEqual(['submitting', 1]);
  });

  it('counts anew with another text, but has one patience for all', async () => {
    const { work, state, seconds } = await losing({
      run: (nth) => refusing(nth % 2 === 0 ? 'one' : 'another')(),
    });

    await work(24 * HOUR);

    expect(await state()).toMatchObject({
      status: 'failed',
      error: { code: 'upstream_unavailable', retryable: true, message: expect.stringContaining('charged') },
    });
    expect(seconds()).toBeGreaterThanOrEqual(6 * HOUR);
    expect(seconds()).toBeLessThan(6.5 * HOUR);
  });

  it('is sent ever more rarely for six hours from the first mark if every Run is proven to have made no task', async () => {
    const { work, state, runs, seconds, gate } = await losing({ run: silent });

    await work(24 * HOUR);

    expect(await state()).toMatchObject({ status: 'failed', error: { code: 'upstream_unavailable' } });
    expect([seconds() >= 6 * HOUR, seconds() < 6.5 * HOUR, await gate.holders()]).toEqual([true, true, []]);
    const gaps = runs.slice(1).map((at, index) => at - (runs[index] ?? 0));
    // One lost answer is bad luck: it runs again as soon as two searches have found nothing.
    expect(gaps[0]).toBeLessThanOrEqual(240);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(480);
    expect(runs.length).toBeLessThan(60);
  });

  it('is searched for six hours if nothing is proven, after the first hour without its slot', async () => {
    const { work, state, runs, seconds, gate } = await losing({ run: silent, tasks: unreadable });

    await work(HOUR - 300);
    const early = await gate.holders();
    await work(HOUR + 600);
    const late = [await gate.holders(), (await state()).status];
    await work(24 * HOUR);

    expect([early, late]).toEqual([[ID], [[], 'submitting']]);
    expect(await state()).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
    expect([runs.length, seconds() >= 6 * HOUR, seconds() < 6.5 * HOUR]).toEqual([1, true, true]);
  });

  it('ends as unknown if only the last Run is unproven', async () => {
    let hours = 0;
    const world = await losing({
      run: silent,
      tasks: () => (hours < 5 ? Promise.resolve(nothing) : unreadable()),
    });

    await world.work(5 * HOUR);
    hours = 5;
    await world.work(24 * HOUR);

    expect(await world.state()).toMatchObject({ status: 'failed', error: { code: 'submission_unknown' } });
  });

  it('ends at any time with a signed callback', async () => {
    const { work, state, generations, known, deps } = await losing({ run: silent, tasks: unreadable });
    await work(3 * HOUR);
    known.push({
      id: 'task-9',
      status: 'task_start',
      end: 'unfinished',
      outputs: [],
      createdAtSeconds: deps.clock().getTime() / 1_000,
    });
    const moment = { now: deps.clock().toISOString(), durations: deps.durations };
    await generations.update(ID, (current) => noteCallback(current, 1, 'task-9', moment));

    await work(4 * HOUR);

    expect(await state()).toMatchObject({ status: 'running', task: { id: 'task-9' } });
  });

  it('is cancelled on request once none of its Runs can have a task', async () => {
    const { work, state, generations, deps } = await losing({ run: silent });
    await work(HOUR);
    const moment = { now: deps.clock().toISOString(), durations: deps.durations };
    await generations.update(ID, (current) => requestCancel(current, moment));

    await work(2 * HOUR);

    expect(await state()).toMatchObject({ status: 'cancelled' });
  });
});

it('a search ends in time if it takes longer than a function may run, and proves nothing', async () => {
  vi.useFakeTimers();
  const { deps, pass, state, runs, work } = await losing({
    run: silent,
    tasks: () => new Promise(() => undefined),
  });
  await work(120);
  pass(40);

  const submitting = submitGeneration({ ...deps, remainingMs: () => 300_000 }, ID);
  await vi.advanceTimersByTimeAsync(240_000);
  const end = await submitting;

  vi.useRealTimers();
  expect(end).toEqual({ kind: 'later' });
  expect(await state()).toMatchObject({ status: 'submitting', run: { searches: 1 } });
  expect(runs).toHaveLength(1);
});

it('a Run that is answered late, after the next was sent, takes no slot from the next', async () => {
  let answerFirst: (outcome: RunOutcome) => void = () => undefined;
  const world = await losing({
    run: (nth) =>
      nth === 1
        ? new Promise((resolve) => {
            answerFirst = resolve;
          })
        : Promise.resolve({ kind: 'ran', taskId: 'task-2' }),
  });
  const { deps, runs, pass, gate, state } = world;
  const first = submitGeneration(deps, ID);
  await vi.waitUntil(() => runs.length === 1);
  // Its function froze. Two searches find nothing, and the generation runs again.
  for (const seconds of [95, 61]) {
    pass(seconds);
    await submitGeneration({ ...deps, createHolder: () => `after ${seconds}` }, ID);
  }
  expect(await state()).toMatchObject({ status: 'running', task: { id: 'task-2' } });

  answerFirst({ kind: 'notRun', reason: 'concurrencyLimit', limit: 3, message: 'Too many', why: 'too many' });
  await first;

  expect(await gate.holders()).toEqual([ID]);
});

import { describe, expect, it } from 'vitest';
import { toCountedEnd } from '../../functions/events/to-counted-end.ts';
import type { Announcement, Failed, Generation } from '../../functions/generation/generation.ts';
import type { KeptAttempt } from '../../functions/generation/past-attempts.ts';
import type { WholeGeneration } from '../../functions/store/generation-store.ts';
import { at, EXAMPLES } from '../generation/examples.ts';

const { id, model } = EXAMPLES.succeeded;
const announce = (type: Announcement['type'], attempt = 1): Announcement => ({
  eventId: `${id}.${attempt}.${type.toLowerCase()}`,
  type,
  attempt,
  at: at(30),
});
const whole = (generation: Generation, pastAttempts: readonly KeptAttempt[] = []): WholeGeneration => ({
  generation,
  request: { model, parameters: {}, inputs: {}, labels: { team: 'red' } },
  outputs: [],
  pastAttempts,
  notes: {},
  hints: [],
});
const countsOf = (...given: Parameters<typeof toCountedEnd>) => toCountedEnd(...given)?.counts;

const { costUsd: _, task: __, taskEnd: ___, ...failed } = { ...EXAMPLES.failed } as Failed;
const task = { id: 'task-1', token: 't' };
const failedWith = (code: Failed['error']['code'], more: Partial<Failed> = {}): Failed => ({
  ...failed,
  error: { code, message: 'It failed.', retryable: true },
  ...more,
});
const past = (more: Partial<KeptAttempt>): KeptAttempt => ({
  attempt: 1,
  endedAt: at(20),
  code: 'output_unavailable',
  message: '…',
  ...more,
});

const UNKNOWN = { status: 'failed', costMicroUsd: 0, isCostUnknown: true };
const FREE = { status: 'failed', costMicroUsd: 0, isCostUnknown: false };

it('an end has the time and the attempt of its announcement, and the cost in whole millionths of a dollar', () => {
  const generation = { ...EXAMPLES.succeeded, costUsd: 0.0023404999 };

  expect(toCountedEnd(whole(generation), announce('Succeeded'))).toEqual({
    id,
    attempt: 1,
    endedAt: at(30),
    model,
    labels: { team: 'red' },
    counts: { status: 'succeeded', costMicroUsd: 2_340, isCostUnknown: false },
  });
});

it('a start is no end', () => {
  expect(toCountedEnd(whole(EXAMPLES.running), announce('Running'))).toBeUndefined();
});

describe('the cost of an attempt', () => {
  it.each([
    ['a success without a recorded cost', { ...EXAMPLES.succeeded, costUsd: undefined }],
    ['a task whose end was not seen', failedWith('deadline_exceeded', { task })],
    ['a lost Run', failedWith('submission_unknown')],
    ['a task that only a callback named', failedWith('task_unreadable')],
  ] as const)('is unknown for %s', (_name, generation) => {
    expect(countsOf(whole(generation as Generation), announce('Failed'))).toEqual(UNKNOWN);
  });

  it.each([
    ['without a task', failedWith('insufficient_balance')],
    ['whose task failed', failedWith('model_failed', { task, taskEnd: 'failed' })],
    ['whose task was stopped', failedWith('deadline_exceeded', { task, taskEnd: 'cancelled' })],
  ])('is nothing for one %s', (_name, generation) => {
    expect(countsOf(whole(generation), announce('Failed'))).toEqual(FREE);
  });

  it('is counted once if retries collect the same task, and anew for another task', () => {
    const paid = past({ taskId: 'task-1', costUsd: 0.04 });
    const again = (taskId: string, costUsd: number): Generation => ({
      ...EXAMPLES.succeeded,
      attempt: 3,
      task: { id: taskId },
      costUsd,
    });
    const attempts = [paid, { ...paid, attempt: 2 }];

    const same = countsOf(whole(again('task-1', 0.04), attempts), announce('Succeeded', 3));
    const more = countsOf(whole(again('task-1', 0.05), attempts), announce('Succeeded', 3));
    const less = countsOf(whole(again('task-1', 0.01), attempts), announce('Succeeded', 3));
    const other = countsOf(whole(again('task-2', 0.04), attempts), announce('Succeeded', 3));

    expect([same, more, less, other].map((counts) => counts?.costMicroUsd)).toEqual([0, 10_000, 0, 40_000]);
  });
});

describe('an attempt that was retried before its end was announced', () => {
  const retried = (attempt: KeptAttempt) =>
    countsOf(whole({ ...EXAMPLES.queued, attempt: 2 }, [attempt]), announce('Failed'));

  it('has the cost that was kept', () => {
    expect(retried(past({ taskId: 'task-1', costUsd: 0.04 }))).toEqual({ ...FREE, costMicroUsd: 40_000 });
  });

  it('has an unknown cost if a task may have one', () => {
    expect(retried(past({ taskId: 'task-1' }))).toEqual(UNKNOWN);
    expect(retried(past({ code: 'submission_unknown' }))).toEqual(UNKNOWN);
    expect(countsOf(whole({ ...EXAMPLES.queued, attempt: 30 }), announce('Failed'))).toEqual(UNKNOWN);
  });

  it('cost nothing without a task, or if the model failed', () => {
    expect(retried(past({ code: 'insufficient_balance' }))).toEqual(FREE);
    expect(retried(past({ code: 'model_failed', taskId: 'task-1' }))).toEqual(FREE);
  });
});

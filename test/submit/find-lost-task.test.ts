import { beforeEach, expect, it, vi } from 'vitest';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { log } from '../../functions/runtime/log.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import type { Task } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { SUBMIT_DEFAULTS } from './submit-defaults.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const SUBJECT = { deployment: 'shop', generationId: ID, attempt: 1 };
const ours = (id: string, secret = 'secret'): Task => ({
  id,
  status: 'task_start',
  end: 'unfinished',
  createdAtSeconds: Date.parse(at(1)) / 1_000,
  callbackUrl: callbackUrl('https://callback.example', SUBJECT, secret),
  outputs: [],
});

/** A generation whose Run is not answered. Wiro lists these tasks, one per page. */
async function lostRun(list: readonly Task[]) {
  const world = workWorld();
  await world.accept(ID);
  const statuses: (string | undefined)[] = [];
  const deps: SubmitDeps = {
    ...world.shared,
    ...SUBMIT_DEFAULTS,
    wiro: {
      run: async () => ({ kind: 'unknown', message: 'the connection was cut off' }),
      task: () => Promise.reject(new Error('not asked for')),
      model: () => Promise.reject(new Error('not asked for')),
      upload: () => Promise.reject(new Error('not asked for')),
      tasks: async ({ start }) => {
        statuses.push((await world.generations.get(ID))?.status);
        const tasks = list.slice(start, start + 1);
        return { tasks, rows: tasks.length };
      },
    },
  };
  await submitGeneration(deps, ID);
  world.pass(100);
  await submitGeneration(deps, ID);
  return { generation: await world.generations.get(ID), statuses };
}

const alarms = () =>
  vi.mocked(log.error).mock.calls.map(([, facts, measured]) => [facts?.taskId, facts?.alarm, measured]);

it('records the task that it finds before it searches for a second one, and raises an alarm for that', async () => {
  const { generation, statuses } = await lostRun([ours('task-2'), ours('task-1')]);

  expect(generation).toMatchObject({ status: 'running', task: { id: 'task-2' } });
  expect(statuses[0]).toBe('submitting');
  expect(new Set(statuses.slice(1))).toEqual(new Set(['running']));
  expect(alarms()).toEqual([['task-1', 'second_task', { SecondTask: 1 }]]);
});

it('neither adopts a task with a foreign signature nor runs again', async () => {
  const { generation } = await lostRun([ours('task-1', 'of another account')]);

  expect(generation).toMatchObject({ status: 'submitting', run: { searches: 1 } });
  expect(generation).not.toHaveProperty('run.emptySearchAt');
  expect(alarms()).toEqual([]);
});

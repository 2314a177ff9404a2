import { expect, it } from 'vitest';
import { findModel } from '../../../local/simulator/models.ts';
import { listTasks } from '../../../local/simulator/task-list.ts';
import { describeTask } from '../../../local/simulator/task-record.ts';
import { createTaskStore } from '../../../local/simulator/tasks.ts';

it('shows an older state of tasks with a lag', () => {
  const model = findModel('wiro', 'text-to-image');
  if (!model) throw new Error('There is no such model');
  let now = 10_000;
  const tasks = createTaskStore(() => now);
  const made = { model, parameters: {}, inputUrls: [], callbackUrl: '', projectId: '1', fault: undefined };
  const old = tasks.add(made);
  old.history.push({ status: 'task_start', at: 12_000 }, { status: 'task_postprocess_end', at: 14_000 });
  old.exitCode = '0';
  now = 14_500;
  tasks.add(made);

  const upToDate = describeTask(old, 15_000);
  const behind = describeTask(old, 15_000, { lagMs: 2_000 });
  const list = listTasks(tasks.all(), {}, 15_000, { lagMs: 2_000 });

  expect(upToDate).toMatchObject({ status: 'task_postprocess_end', pexit: '0', postprocessendtime: '14' });
  expect(behind).toMatchObject({ status: 'task_start', pexit: '', postprocessendtime: '0', starttime: '12' });
  expect(list).toEqual({ total: '1', tasklist: [behind] });
});

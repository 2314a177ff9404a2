import { describeTask, isShown, type RecordView } from './task-record.ts';
import type { SimulatedTask } from './tasks.ts';

const LIMIT = 1_000;

/**
 * Returns a page of tasks, newest first unless `order` is ASC. Ignores `sort`, because ids increase with time.
 * @param tasks - Oldest first.
 */
export function listTasks(
  tasks: readonly SimulatedTask[],
  fields: Readonly<Record<string, unknown>>,
  now: number,
  view: RecordView,
): { readonly total: string | number; readonly tasklist: readonly unknown[] } {
  const start = Number(fields.start ?? 0);
  const end = start + Math.min(Number(fields.limit ?? 20), LIMIT);
  const wanted = String(fields.modelName ?? '');
  const isWanted = ({ model }: SimulatedTask) =>
    [model.project, `${model.owner}/${model.project}`].includes(wanted);
  const isAll = wanted === '' && !view.missing && view.lagMs === undefined;
  const listed = isAll
    ? tasks
    : tasks.filter((task) => isShown(task, now, view) && (wanted === '' || isWanted(task)));
  // Reverses only the page, which stays cheap with many tasks.
  const page =
    String(fields.order ?? 'DESC').toUpperCase() === 'ASC'
      ? listed.slice(start, end)
      : listed.slice(Math.max(0, listed.length - end), Math.max(0, listed.length - start)).reverse();
  return {
    total: view.numbers ? listed.length : String(listed.length),
    tasklist: page.map((task) => describeTask(task, now, view)),
  };
}

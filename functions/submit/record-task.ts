import type { RunMark, Submitting } from '../generation/generation.ts';
import { startRunning } from '../generation/transitions/submit.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Task } from '../wiro/types.ts';
import { moment, type SubmitEnd, type WorkDeps } from './submit-deps.ts';

/**
 * Records the task. It is paid for, so this tries on until the task is recorded or another task stands there. Needs no
 * claim.
 */
export async function recordTask(
  deps: WorkDeps,
  generation: Submitting,
  run: RunMark,
  task: Pick<Task, 'id' | 'token'>,
): Promise<SubmitEnd> {
  const { id, generations, gate } = deps;
  const names = { id: task.id, ...(task.token !== undefined && { token: task.token }) };
  const recorded = await persistently(id, () =>
    generations.update(generation, (current) =>
      startRunning(current, run, generation.attempt, names, moment(deps), gate.isCrowded()),
    ),
  );
  if (recorded.kind === 'refused' || recorded.kind === 'missing') {
    reportSecond(id, task.id);
    return { kind: 'elsewhere' };
  }
  log.info('A task runs', { generationId: id, taskId: task.id });
  const isAwaited = await gate
    .noteRunEnd(recorded.generation)
    .catch(logIgnored('reconcile clears what is over'));
  if (recorded.generation.callback !== undefined)
    await deps.collect(id).catch(logIgnored('reconcile collects what is due'));
  await deps.announce(id).catch(logIgnored('reconcile announces what is due'));
  return { kind: 'task', isAwaited: isAwaited ?? undefined };
}

const reportSecond = (generationId: string, taskId: string) =>
  log.error(
    'A second task was made for one attempt: look at both at Wiro',
    { generationId, taskId, alarm: 'second_task' },
    { SecondTask: 1 },
  );

/** Reports other tasks of the same Run, as far as there is time. The task that was found is already recorded. */
export async function reportOthers(
  { id, monotonic, remainingMs, durations }: WorkDeps,
  findOthers: (hasTime: () => boolean) => Promise<readonly string[]>,
): Promise<void> {
  const begun = monotonic();
  const hasTime = () => monotonic() - begun < durations.runLimit && remainingMs() > durations.markLease;
  for (const taskId of await findOthers(hasTime)) reportSecond(id, taskId);
}

const RECORD_TRIES = 8;

async function persistently<T>(generationId: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === RECORD_TRIES) throw error;
      log.warn('A task could not be recorded yet', { generationId, error });
      await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries));
    }
  }
}

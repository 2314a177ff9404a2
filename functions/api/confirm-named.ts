import { RequestError } from '../generation/errors.ts';
import { mayRunAgain } from '../generation/retry.ts';
import { isToCollect, type NamedTask, openHints } from '../generation/task-hint.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { confirmKept } from '../wiro/confirm-task.ts';
import { WiroError } from '../wiro/errors.ts';
import type { WiroClient } from '../wiro/types.ts';

export interface ConfirmNamedDeps {
  readonly generations: Pick<GenerationStore, 'get' | 'whole'>;
  readonly wiro: Pick<WiroClient, 'task'>;
  readonly durations: Durations;
}

/** The number of hints to check. Each attempt has at most two. */
const MOST_CHECKED = 4;

/**
 * Finds the task that a signed callback named after the end of a generation, if a retry would run the generation again
 * and Wiro's record confirms the task.
 * @throws {RequestError} `upstream_unavailable` if Wiro cannot be reached: another Run could then pay twice.
 */
export async function confirmNamed(
  { generations, wiro, durations }: ConfirmNamedDeps,
  id: string,
  force: boolean,
): Promise<NamedTask | undefined> {
  const current = await generations.get(id);
  if (current === undefined || !mayRunAgain(current, force)) return undefined;
  const whole = await generations.whole(id);
  if (whole === undefined) return undefined;
  let explained: NamedTask | undefined;
  // One limit for all of them, because the caller waits.
  const endsAt = performance.now() + durations.headers;
  for (const hint of openHints(whole).slice(0, MOST_CHECKED)) {
    try {
      const task = await confirmKept(wiro, whole.generation, hint, {
        marginMs: durations.searchMargin,
        timeoutMs: endsAt - performance.now(),
      });
      if (task === undefined) continue;
      const { end, token } = task;
      const names = { id: task.id, ...(token !== undefined && { token }) };
      const named: NamedTask = { attempt: hint.attempt, task: names, end };
      if (isToCollect(named)) return named;
      explained ??= named;
    } catch (error) {
      if (!(error instanceof WiroError)) throw error;
      // The record will not get smaller, so `force` must be able to override it.
      if (force && error.kind === 'tooLarge') continue;
      const why =
        error.kind === 'tooLarge'
          ? 'and its record at Wiro is too large to be read: this retry started nothing and costs nothing. Retry later, or run it again with {"force": true}, which may pay twice.'
          : 'and Wiro could not be asked about it: this retry started nothing and costs nothing. Retry later.';
      throw new RequestError(
        'upstream_unavailable',
        `A signed callback named task ${hint.taskId}, ${why}`,
        undefined,
        true,
      );
    }
  }
  return explained;
}

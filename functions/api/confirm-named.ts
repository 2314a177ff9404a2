import { RequestError } from '../generation/errors.ts';
import { mayRunAgain } from '../generation/retry.ts';
import { isToCollect, type NamedTask, openHints } from '../generation/task-hint.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { WiroError } from '../wiro/errors.ts';
import { confirmKept } from '../wiro/search-task.ts';
import type { WiroClient } from '../wiro/types.ts';

export interface ConfirmNamedDeps {
  readonly generations: Pick<GenerationStore, 'get' | 'whole'>;
  readonly wiro: Pick<WiroClient, 'task'>;
  readonly durations: Durations;
}

/** Of each attempt two are kept. */
const MOST_ASKED = 4;

/**
 * The task that was called back for after the end of a generation, if a retry would run it again and Wiro's own
 * record confirms it.
 * @throws {RequestError} `upstream_unavailable` when Wiro cannot be asked: to run again could be to pay twice.
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
  // For all of them together: a caller waits.
  const endsAt = performance.now() + durations.headers;
  for (const hint of openHints(whole).slice(0, MOST_ASKED)) {
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
      // It will be no smaller: who insists is not kept from running anew for ever.
      if (force && error.kind === 'tooLarge') continue;
      const why =
        error.kind === 'tooLarge'
          ? 'and its record at Wiro is too large to be read: this retry started nothing and costs nothing. Retry again in a while, or run it anew with {"force": true}, which may pay twice.'
          : 'and Wiro could not be asked about it: this retry started nothing and costs nothing. Retry again in a while.';
      throw new RequestError(
        'upstream_unavailable',
        `A signed callback has named task ${hint.taskId}, ${why}`,
        undefined,
        true,
      );
    }
  }
  return explained;
}

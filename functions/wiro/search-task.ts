import { type CallbackSubject, isSigned } from '../generation/callback-url.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { confirmHint } from './confirm-task.ts';
import { WiroError } from './errors.ts';
import { createRowJudge } from './judge-rows.ts';
import { readWindow } from './read-window.ts';
import type { SentRun } from './task-age.ts';
import type { ModelName, Task, WiroClient } from './types.ts';

/** The result of a search for the task of a lost Run. */
export type SearchResult =
  | {
      readonly kind: 'found';
      readonly task: Task;
      /**
       * Goes on to the end of the window, for other tasks that the same Run made. Call it once the task is recorded. Never
       * throws: skips what it cannot read, or cannot reach while `hasTime`.
       * @returns The ids of the others.
       */
      readonly findOthers: (hasTime: () => boolean) => Promise<readonly string[]>;
    }
  /** Every row of the window was read, and each is proven not to be ours. */
  | { readonly kind: 'none' }
  /** The task may exist all the same. */
  | {
      readonly kind: 'unproven';
      readonly why: string;
      /** The task that a signed callback named, if its record is too large to read and the list does not show it as ours. */
      readonly unreadableTaskId?: string;
      /** How long Wiro asks to wait before the next call. */
      readonly retryAfterMs?: number;
    };

export interface SearchedRun extends CallbackSubject, SentRun {
  readonly model: ModelName;
  /** The secrets that may have signed the callback URL. */
  readonly secrets: readonly string[];
  /** The task that a signed callback named. */
  readonly hintedTaskId?: string;
}

export type SearchedWiro = Pick<WiroClient, 'task' | 'tasks' | 'model'>;

/**
 * Finds the task of a Run whose answer was lost, by the callback URL that was sent with it. Never throws: a list that
 * cannot be read does not mean that there is no task, and running again would cost money.
 */
export async function searchTask(wiro: SearchedWiro, run: SearchedRun): Promise<SearchResult> {
  const search = createListSearch(wiro, run);
  let unreadableTaskId: string | undefined;
  try {
    const hinted = await confirmHint(wiro, run).catch((error: unknown) => {
      // The task's row in the list has no outputs, so it may be small enough to read.
      if (!(error instanceof WiroError && error.kind === 'tooLarge')) throw error;
      unreadableTaskId = run.hintedTaskId;
      return undefined;
    });
    const task = hinted ?? (await search.findNext());
    if (task !== undefined)
      return { kind: 'found', task, findOthers: (hasTime) => findOthers(search, task, hasTime) };
  } catch (error) {
    log.warn('A search for a task could not be completed', { generationId: run.generationId, error });
    return unproven('Wiro could not be read', error);
  }
  if (unreadableTaskId !== undefined)
    return unproven('the record of the task that a callback named is too large to be read');
  const why = search.doubt();
  return why === undefined ? { kind: 'none' } : unproven(why);

  function unproven(why: string, error?: unknown): SearchResult {
    const retryAfterMs = error instanceof WiroError ? error.retryAfterMs : undefined;
    return {
      kind: 'unproven',
      why,
      ...(unreadableTaskId !== undefined && { unreadableTaskId }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  }
}

interface ListSearch {
  /** Reads on to the next task that is ours. `undefined` at the end of the window. */
  findNext(): Promise<Task | undefined>;
  /** At the end: why a task of ours may have been missed. */
  doubt(): string | undefined;
}

function createListSearch(wiro: SearchedWiro, run: SearchedRun): ListSearch {
  const rows = readWindow(wiro, run);
  const judge = createRowJudge(wiro, { ...run, isKnown: (callback) => isSigned(callback, run.secrets) });
  let missing: string | undefined;
  return {
    async findNext() {
      for (;;) {
        const row = await rows.next();
        if (row.done) {
          missing ??= row.value;
          return undefined;
        }
        if (await judge.isOurs(row.value)) return row.value;
      }
    },
    doubt: () => judge.doubt() ?? missing,
  };
}

async function findOthers(
  search: ListSearch,
  known: Task,
  hasTime: () => boolean,
): Promise<readonly string[]> {
  const others: string[] = [];
  try {
    while (hasTime()) {
      const task = await search.findNext();
      if (task === undefined) break;
      if (task.id !== known.id) others.push(task.id);
    }
  } catch (error) {
    logIgnored('a second task would be one of a Run that Wiro carried out twice')(error);
  }
  return others;
}

import { WiroError } from './errors.ts';
import { retryRead } from './retry-read.ts';
import { isTooOld, type SentRun } from './task-age.ts';
import type { Task, TaskPage, WiroClient } from './types.ts';

// Wiro lists a project's tasks newest first, by offset. The window of a search is the top of that list, down to the first
// task that is older than the Run.
//
//     newest ─────────────────────────────────────────────► oldest
//     ├────── page ──────┤
//                    ├────── page ──────┤
//                                   ├────── page ──────┤
//                                                 ▲ older than the Run: the window ends
//
// The list changes between two pages. A new task pushes all rows down: the next page repeats some. A row that leaves the
// list pulls the rows below it up: the next page could miss some. So every page overlaps the one before. If two pages have
// no row in common, rows may be missing between them. So the end of the list is proven only by an empty page below a row
// that was seen: otherwise rows that left the list may have pulled others up to where nothing is read.

const PAGE = 50;
const OVERLAP = 5;
const MOST_PAGES = 200;

/**
 * Yields every task of the window once, newest first.
 * @returns Why tasks may be missing. `undefined` if none can be.
 * @throws {WiroError} If a page cannot be read.
 */
export async function* readWindow(
  wiro: Pick<WiroClient, 'tasks'>,
  run: SentRun,
): AsyncGenerator<Task, string | undefined> {
  const seen = new Set<string>();
  let doubt: string | undefined;
  let start = 0;
  let limit = PAGE;
  /** Where the page before this one was empty. */
  let emptyAt: number | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await readPage(wiro, start, limit);
    const { tasks, rows } = page;
    // A short page is not the end: Wiro may give fewer rows than asked for.
    if (rows === 0) {
      if (start === 0 && seen.size === 0) return page.total ? 'the list shows none of its tasks' : undefined;
      if (start === 0 || seen.size < start) return NO_OVERLAP;
      emptyAt = start;
      start -= 1;
      continue;
    }
    const repeated = tasks.filter(({ id }) => seen.has(id)).length;
    if (tasks.length < rows) doubt = 'a row could not be read';
    if (pages > 0 && repeated === 0) doubt = NO_OVERLAP;
    for (const task of tasks) {
      if (seen.has(task.id)) continue;
      seen.add(task.id);
      if (!isTooOld(task, run)) yield task;
    }
    if (tasks.some((task) => isTooOld(task, run))) return doubt;
    // If the page shows nothing new, new tasks have pushed all of its rows down.
    const isAllRepeated = repeated === tasks.length;
    if (isAllRepeated && start + rows === emptyAt) return doubt;
    emptyAt = undefined;
    start += isAllRepeated ? rows : rows - overlapOf(rows);
    limit = page.limit;
  }
  return doubt ?? 'there are more tasks than can be searched';
}

const NO_OVERLAP = 'two pages did not overlap';

/** Five rows. Fewer on a short page, so that the search gets on; at least one. */
const overlapOf = (rows: number): number => Math.max(1, Math.min(rows - OVERLAP, OVERLAP));

/**
 * Reads one page. If the answer is too large, reads half as many rows.
 * @returns The page, and how many rows to ask for next.
 */
async function readPage(
  wiro: Pick<WiroClient, 'tasks'>,
  start: number,
  limit: number,
): Promise<TaskPage & { readonly limit: number }> {
  try {
    return { ...(await retryRead(() => wiro.tasks({ start, limit }))), limit };
  } catch (error) {
    if (!(error instanceof WiroError && error.kind === 'tooLarge') || limit === 1) throw error;
    return readPage(wiro, start, Math.floor(limit / 2));
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { type CallbackSubject, parseCallbackUrl } from '../generation/callback-url.ts';
import type { Timestamp } from '../generation/time.ts';
import { log } from '../log.ts';
import { WiroError } from './errors.ts';
import type { Task, WiroClient } from './types.ts';

/** What a search for the task of a lost Run came to. */
export type SearchResult =
  | { readonly kind: 'found'; readonly task: Task }
  /** Every row of the window was read, each showed its callback URL, and none is ours. */
  | { readonly kind: 'none' }
  /** It may exist all the same. */
  | { readonly kind: 'unproven'; readonly why: string };

export interface SearchedRun extends CallbackSubject {
  readonly startedAt: Timestamp;
  /** How far before `startedAt` Wiro's clock may say that the task was made. */
  readonly marginMs: number;
  /** What a signed callback named. */
  readonly hintedTaskId?: string;
}

const PAGE = 50;
/** Pages overlap, so that a row that moves up between two of them is not missed. */
const OVERLAP = 5;
const MOST_PAGES = 200;
/** Rows without a callback URL that are asked for one by one: their detail may show it. */
const MOST_DETAILS = 25;

/**
 * Finds the task of a Run whose answer was lost, by the callback URL sent with it. Never throws: what cannot be
 * read is not "nothing", and running again would cost money.
 */
export async function searchTask(
  wiro: Pick<WiroClient, 'task' | 'tasks'>,
  run: SearchedRun,
): Promise<SearchResult> {
  try {
    const hinted = await confirmHint(wiro, run);
    return hinted ? { kind: 'found', task: hinted } : await searchList(wiro, run);
  } catch (error) {
    log.warn('A search for a task could not be completed', { generationId: run.generationId, error });
    return { kind: 'unproven', why: 'Wiro could not be read' };
  }
}

/**
 * The task that a signed callback named, if it can be the one. Only Wiro and we know a signed URL, but its body is
 * no evidence: the task must exist, be as young as the Run, and not show another callback URL.
 */
export async function confirmHint(
  wiro: Pick<WiroClient, 'task'>,
  run: SearchedRun,
): Promise<Task | undefined> {
  if (run.hintedTaskId === undefined) return undefined;
  const task = await wiro.task({ taskId: run.hintedTaskId });
  if (task === undefined || isTooOld(task, run)) return undefined;
  return task.callbackUrl ? (isOurs(task.callbackUrl, run) ? task : undefined) : task;
}

async function searchList(wiro: Pick<WiroClient, 'task' | 'tasks'>, run: SearchedRun): Promise<SearchResult> {
  const seen = new Set<string>();
  let details = 0;
  let doubt: string | undefined;
  for (let page = 0, start = 0; page < MOST_PAGES; page += 1) {
    const { tasks, rows } = await again(() => wiro.tasks({ start, limit: PAGE }));
    if (tasks.length < rows) doubt = 'a row could not be read';
    const known = tasks.filter(({ id }) => seen.has(id)).length;
    // Every row up to an end was seen, unless rows moved up in between.
    const isEnd = rows === 0;
    if (isEnd ? seen.size < start : page > 0 && known === 0) doubt = 'two pages did not overlap';
    for (const task of tasks) {
      if (seen.has(task.id)) continue;
      seen.add(task.id);
      if (isTooOld(task, run)) continue;
      let url = task.callbackUrl;
      if (!url && details < MOST_DETAILS) {
        details += 1;
        url = (await again(() => wiro.task({ taskId: task.id })))?.callbackUrl;
      }
      if (!url) doubt = 'a task of that time shows no callback URL';
      else if (isOurs(url, run)) return { kind: 'found', task };
    }
    // Newest first: once a row is too old, so are all that follow. A short page is no end: Wiro may give fewer rows
    // than it was asked for. An empty one is.
    if (isEnd || tasks.some((task) => isTooOld(task, run))) {
      return doubt === undefined ? { kind: 'none' } : { kind: 'unproven', why: doubt };
    }
    start += known === tasks.length ? rows : Math.max(rows - OVERLAP, Math.min(rows - 1, OVERLAP));
  }
  return { kind: 'unproven', why: doubt ?? 'there are more tasks than can be searched' };
}

const TRIES = 4;
const PAUSE_MS = 25;

/**
 * A page that fails is asked for again, for a moment: of many pages, all would hardly ever succeed at the first try, and
 * a search that is not complete proves nothing.
 */
async function again<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof WiroError && error.retryable) || tries === TRIES) throw error;
      await sleep(PAUSE_MS * 2 ** tries * (0.5 + Math.random()));
    }
  }
}

function isOurs(url: string, { deployment, generationId, attempt }: CallbackSubject): boolean {
  const found = parseCallbackUrl(url);
  return found?.deployment === deployment && found.generationId === generationId && found.attempt === attempt;
}

/** Wiro's clock counts whole seconds. */
const isTooOld = ({ createdAtSeconds }: Task, { startedAt, marginMs }: SearchedRun) =>
  createdAtSeconds !== undefined && createdAtSeconds + 1 < (Date.parse(startedAt) - marginMs) / 1_000;

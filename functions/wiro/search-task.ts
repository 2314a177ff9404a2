import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallbackPath,
  type CallbackSubject,
  isSigned,
  parseCallbackUrl,
} from '../generation/callback-url.ts';
import type { Generation } from '../generation/generation.ts';
import { proofOf, type TaskHint } from '../generation/task-hint.ts';
import type { Timestamp } from '../generation/time.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { WiroError } from './errors.ts';
import type { ModelName, Slugs, Task, TaskPage, WiroClient } from './types.ts';

/** What a search for the task of a lost Run came to. */
export type SearchResult =
  | {
      readonly kind: 'found';
      readonly task: Task;
      /**
       * Goes on to the end of the window, once the task is recorded: for others that the same Run has made. Never
       * throws; what cannot be read, or is not reached in time, is left.
       * @returns Their ids.
       */
      readonly findOthers: (hasTime: () => boolean) => Promise<readonly string[]>;
    }
  /** Every row of the window was read, and each is proven not to be ours. */
  | { readonly kind: 'none' }
  /** It may exist all the same. */
  | {
      readonly kind: 'unproven';
      readonly why: string;
      /** What a signed callback named, if its record is too large to be read, and the list does not show it as ours. */
      readonly unreadableTaskId?: string;
    };

export interface SearchedRun extends CallbackSubject {
  readonly model: ModelName;
  readonly startedAt: Timestamp;
  /** How far before `startedAt` Wiro's clock may say that the task was made. */
  readonly marginMs: number;
  /** What the callback URL may be signed with. */
  readonly secrets: readonly string[];
  /** What a signed callback named. */
  readonly hintedTaskId?: string;
}

export type SearchedWiro = Pick<WiroClient, 'task' | 'tasks' | 'model'>;

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
export async function searchTask(wiro: SearchedWiro, run: SearchedRun): Promise<SearchResult> {
  const search = searchList(wiro, run);
  let unreadableTaskId: string | undefined;
  try {
    const hinted = await confirmHint(wiro, run).catch((error: unknown) => {
      // Its row in the list, which shows no outputs, may be read all the same.
      if (!(error instanceof WiroError && error.kind === 'tooLarge')) throw error;
      unreadableTaskId = run.hintedTaskId;
      return undefined;
    });
    const task = hinted ?? (await search.next());
    if (task !== undefined)
      return { kind: 'found', task, findOthers: (hasTime) => findOthers(search, task, hasTime) };
  } catch (error) {
    log.warn('A search for a task could not be completed', { generationId: run.generationId, error });
    return unproven('Wiro could not be read');
  }
  if (unreadableTaskId !== undefined)
    return unproven('the record of the task that a callback named is too large to be read');
  const why = search.doubt();
  return why === undefined ? { kind: 'none' } : unproven(why);

  function unproven(why: string): SearchResult {
    return { kind: 'unproven', why, ...(unreadableTaskId !== undefined && { unreadableTaskId }) };
  }
}

/** The task that a signed callback for this attempt named, if it can be the one. */
export async function confirmHint(
  wiro: Pick<WiroClient, 'task'>,
  { hintedTaskId, secrets, ...run }: Omit<SearchedRun, 'model'>,
): Promise<Task | undefined> {
  if (hintedTaskId === undefined) return undefined;
  return confirmTask(wiro, {
    ...run,
    taskId: hintedTaskId,
    isKnown: (callback) => isSigned(callback, secrets),
  });
}

export interface HintedTask extends CallbackSubject {
  readonly taskId: string;
  readonly startedAt: Timestamp;
  readonly marginMs: number;
  /** Whether the signature is one of ours. */
  readonly isKnown: (callback: CallbackPath) => boolean;
  /** For the whole call, in milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * A task that a signed callback named, if it can be the one. Only Wiro and we know a signed URL, but its body is no
 * evidence: the task must exist, be as young as the Run, and show no callback URL but the signed one.
 */
export async function confirmTask(
  wiro: Pick<WiroClient, 'task'>,
  hinted: HintedTask,
): Promise<Task | undefined> {
  const task = await wiro.task({ taskId: hinted.taskId }, hinted.timeoutMs);
  if (task === undefined || isTooOld(task, hinted)) return undefined;
  return !task.callbackUrl || judgeUrl(task.callbackUrl, hinted) === 'ours' ? task : undefined;
}

/** A task that a callback named after the end of its attempt. No secret is needed: the hint tells its signature. */
export const confirmKept = (
  wiro: Pick<WiroClient, 'task'>,
  { id, deployment, createdAt }: Pick<Generation, 'id' | 'deployment' | 'createdAt'>,
  { attempt, taskId, proof }: TaskHint,
  limits: Pick<HintedTask, 'marginMs' | 'timeoutMs'>,
): Promise<Task | undefined> =>
  confirmTask(wiro, {
    ...limits,
    deployment,
    generationId: id,
    attempt,
    taskId,
    startedAt: createdAt,
    isKnown: ({ signature }) => proofOf(signature) === proof,
  });

interface ListSearch {
  /** The next task that is ours; `undefined` at the end of the window. */
  readonly next: () => Promise<Task | undefined>;
  /** At the end: why a task of ours may have been missed. */
  readonly doubt: () => string | undefined;
}

function searchList(wiro: SearchedWiro, run: SearchedRun): ListSearch {
  const rows = readWindow(wiro, run);
  const subject = { ...run, isKnown: (callback: CallbackPath) => isSigned(callback, run.secrets) };
  const ourSlugs = createOurSlugs(wiro, run.model);
  let doubt: string | undefined;
  let details = 0;
  /** Rows that show that they have no callback URL, which proves something only where rows show theirs at all. */
  let withoutUrl = 0;
  let isUrlShown = false;

  async function judge(row: Task): Promise<Verdict> {
    if (row.callbackUrl) {
      isUrlShown ||= isYounger(row, run);
      return judgeUrl(row.callbackUrl, subject);
    }
    if (isOtherModel(row, await ourSlugs())) return 'notOurs';
    if (details >= MOST_DETAILS) return 'withoutUrl';
    details += 1;
    const detail = await again(() => wiro.task({ taskId: row.id }));
    if (detail?.callbackUrl) return judgeUrl(detail.callbackUrl, subject);
    if (detail !== undefined && isOtherModel(detail, await ourSlugs())) return 'notOurs';
    if (row.callbackUrl === undefined || detail?.callbackUrl === undefined) return 'withoutUrl';
    withoutUrl += 1;
    return 'notOurs';
  }

  return {
    doubt: () => doubt ?? (withoutUrl > 0 && !isUrlShown ? DOUBT.withoutUrl : undefined),
    async next() {
      for (;;) {
        const read = await rows.next();
        if (read.done) {
          doubt ??= read.value;
          return undefined;
        }
        const verdict = await judge(read.value);
        if (verdict === 'ours') return read.value;
        if (verdict !== 'notOurs') doubt ??= DOUBT[verdict];
      }
    },
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
      const task = await search.next();
      if (task === undefined) break;
      if (task.id !== known.id) others.push(task.id);
    }
  } catch (error) {
    logIgnored('a second task would be one of a Run that Wiro carried out twice')(error);
  }
  return others;
}

// --- whose a row is -------------------------------------------------------------------------------------------

type Verdict = 'ours' | 'notOurs' | keyof typeof DOUBT;

const DOUBT = {
  withoutUrl: 'a task of that time shows no callback URL',
  unknownSignature: 'a task shows the callback URL of this run under a signature that is not known here',
} as const;

/**
 * A known signature makes it ours. An unknown one proves nothing, neither yes nor no: secrets rotate and releases
 * roll back, and another deployment of the same name may share the project at Wiro.
 */
function judgeUrl(
  url: string,
  { deployment, generationId, attempt, isKnown }: Omit<HintedTask, 'taskId'>,
): 'ours' | 'notOurs' | 'unknownSignature' {
  const found = parseCallbackUrl(url);
  if (found === undefined)
    // Cut off, perhaps, or written in another way.
    return url.toLowerCase().includes(generationId) ? 'unknownSignature' : 'notOurs';
  if (found.deployment !== deployment || found.generationId !== generationId || found.attempt !== attempt)
    return 'notOurs';
  return isKnown(found) ? 'ours' : 'unknownSignature';
}

/** Every spelling of our model's name, asked for once and only if it is needed; `undefined` where Wiro does not say. */
function createOurSlugs(
  wiro: Pick<WiroClient, 'model'>,
  name: ModelName,
): () => Promise<readonly Slugs[] | undefined> {
  let asked: Promise<readonly Slugs[] | undefined> | undefined;
  const ask = async () => {
    const model = await again(() => wiro.model(name));
    const [owner = '', project = ''] = name.split('/');
    return model?.slugs && [{ owner, project }, ...model.slugs];
  };
  return () => {
    asked ??= ask().catch((error: unknown) => {
      logIgnored('rows of other models prove nothing then')(error);
      return undefined;
    });
    return asked;
  };
}

/** Names of models are written in two ways, clean and raw: only what is neither way ours is another's. */
function isOtherModel({ slugs }: Task, ours: readonly Slugs[] | undefined): boolean {
  if (slugs === undefined || ours === undefined) return false;
  const isOur = (part: keyof Slugs) =>
    ours.some((one) => one[part].toLowerCase() === slugs[part].toLowerCase());
  return !isOur('owner') || !isOur('project');
}

/** Wiro's clock counts whole seconds. */
const isTooOld = (
  { createdAtSeconds }: Task,
  { startedAt, marginMs }: Pick<SearchedRun, 'startedAt' | 'marginMs'>,
) => createdAtSeconds !== undefined && createdAtSeconds + 1 < (Date.parse(startedAt) - marginMs) / 1_000;

/** Made after the Run was sent. */
const isYounger = ({ createdAtSeconds }: Task, { startedAt }: SearchedRun) =>
  createdAtSeconds !== undefined && createdAtSeconds >= Date.parse(startedAt) / 1_000;

// --- reading the list -----------------------------------------------------------------------------------------

/**
 * Every row that is not too old, newest first, each once.
 * @returns At the end: why some may be missing.
 */
async function* readWindow(
  wiro: Pick<WiroClient, 'tasks'>,
  run: SearchedRun,
): AsyncGenerator<Task, string | undefined> {
  const seen = new Set<string>();
  let limit = PAGE;
  let doubt: string | undefined;
  for (let page = 0, start = 0; page < MOST_PAGES; page += 1) {
    const read = await readPage(wiro, start, limit);
    const { tasks, rows } = read;
    limit = read.limit;
    if (tasks.length < rows) doubt = 'a row could not be read';
    const known = tasks.filter(({ id }) => seen.has(id)).length;
    // Every row up to an end was seen, unless rows moved up in between.
    const isEnd = rows === 0;
    if (isEnd ? seen.size < start : page > 0 && known === 0) doubt = 'two pages did not overlap';
    for (const task of tasks) {
      if (seen.has(task.id)) continue;
      seen.add(task.id);
      if (!isTooOld(task, run)) yield task;
    }
    // Newest first: once a row is too old, so are all that follow. A short page is no end: Wiro may give fewer rows
    // than it was asked for. An empty one is.
    if (isEnd || tasks.some((task) => isTooOld(task, run))) return doubt;
    start += known === tasks.length ? rows : Math.max(rows - OVERLAP, Math.min(rows - 1, OVERLAP));
  }
  return doubt ?? 'there are more tasks than can be searched';
}

/** Half as many rows where so many are too large an answer. @returns The page, and how many rows to ask for next. */
async function readPage(
  wiro: Pick<WiroClient, 'tasks'>,
  start: number,
  limit: number,
): Promise<TaskPage & { readonly limit: number }> {
  try {
    return { ...(await again(() => wiro.tasks({ start, limit }))), limit };
  } catch (error) {
    if (!(error instanceof WiroError && error.kind === 'tooLarge') || limit === 1) throw error;
    return readPage(wiro, start, Math.floor(limit / 2));
  }
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

import { assertNever, type Generation, hasEnded, isInLine, type Queued } from '../generation/generation.ts';
import type { Moment, Timestamp } from '../generation/time.ts';
import { looksAt, noteLook } from '../generation/transitions/look.ts';
import { isPatienceOver, isWaitingToBeCopied } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { forEachLimited, mapLimited } from '../runtime/map-limited.ts';
import type { AttemptNotesStore } from '../store/attempt-notes.ts';
import type { DueKey } from '../store/due-index.ts';
import type { Gate } from '../store/gate.ts';
import type { GenerationStore, Updated } from '../store/generation-store.ts';
import type { StepOver } from './step-over.ts';

export interface ReconcileDeps {
  readonly generations: Pick<GenerationStore, 'due' | 'get' | 'update' | 'waiting'>;
  readonly notes: Pick<AttemptNotesStore, 'joinedLine' | 'read'>;
  readonly gate: Pick<Gate, 'admit' | 'free' | 'hasLine' | 'holders' | 'joinLine'>;
  readonly submit: (id: string) => Promise<void>;
  readonly collect: (id: string) => Promise<void>;
  readonly announce: (id: string) => Promise<void>;
  readonly moment: () => Moment;
  /** The time until Lambda ends this run. */
  readonly remainingMs: () => number;
  /** Kept by the function's environment from run to run. */
  readonly stepOver: StepOver;
}

export interface Reconciled {
  /** Generations that were looked at. */
  readonly due: number;
  readonly submitted: number;
  readonly collected: number;
  readonly announced: number;
  /** Generations that were skipped, because their last look threw an error. */
  readonly steppedOver: number;
  /** The time ended before all due generations were looked at, or the gate was tended. The next run continues. */
  readonly isCutShort: boolean;
  /** Since when the first in line waits. `null` if the line is empty, absent if it could not be read. */
  readonly waitingSince?: Timestamp | null;
}

/** Keys in memory at once. */
const PAGE = 1_000;
const AT_ONCE = 20;
/** No look starts with less time left than this. One look, with an announcement, takes less. */
const LAST_START_MS = 20_000;
/** The run ends with this time left. Work that is still under way is due again. */
const LAST_WAIT_MS = 5_000;
/** The most generations in line that one run starts, each in an invocation of its own. */
const MOST_STARTED = 25;
/** Entries of the line to read at once. The index lags, so the first ones may not wait any more. */
const FIRST_IN_LINE = 25;
/** After this many looks without progress an alarm asks an operator to look. */
const FRUITLESS = 20;

type Done = 'submitted' | 'collected' | 'announced' | 'nothing';

/**
 * Tends the gate and, side by side, starts the work of every due generation, until none is due or the time ends. So no
 * lost event, callback or invocation matters, and a gate that takes long holds up nothing else. It decides nothing itself:
 * two concurrent runs do the same thing twice, which is harmless. A generation whose look throws is skipped for a while,
 * so that it does not hold up the others.
 */
export async function reconcile(deps: ReconcileDeps): Promise<Reconciled> {
  const { stepOver, moment } = deps;
  const tended: { waitingSince?: Timestamp | null } = {};
  const tend = () =>
    tendGate(deps).then((since) => {
      tended.waitingSince = since;
    }, logIgnored('the gate is tended again in a minute'));
  const counts = { due: 0, submitted: 0, collected: 0, announced: 0, steppedOver: 0 };
  const lookAt = async (id: string) => {
    if (stepOver.isSteppedOver(id, moment().now)) {
      counts.steppedOver += 1;
      return;
    }
    counts.due += 1;
    try {
      const done = await startDue(deps, id);
      stepOver.noteSuccess(id);
      if (done !== 'nothing') counts[done] += 1;
    } catch (error) {
      stepOver.noteFailure(id, moment().now);
      logIgnored('it is looked at again later', { generationId: id })(error);
    }
  };
  const failures: unknown[] = [];
  const isDone = await untilTimeIsOver(deps, async (hasTime) => {
    const tending = tend();
    await forEachLimited(dueIds(deps, hasTime), AT_ONCE, lookAt).catch((error) => failures.push(error));
    await tending;
  });
  // Even if the gate took all of the time, so that the alarm for missing runs rings.
  if (failures.length > 0) throw failures[0];
  return { ...counts, isCutShort: !isDone, ...tended };
}

/**
 * Runs `work` until the time ends, and does not wait for parts of it that hang.
 * @param work - Must start nothing more once `hasTime` returns false.
 * @returns Whether all of it was done.
 */
async function untilTimeIsOver(
  { remainingMs }: ReconcileDeps,
  work: (hasTime: () => boolean) => Promise<void>,
): Promise<boolean> {
  let isCutShort = false;
  const hasTime = () => {
    if (remainingMs() > LAST_START_MS) return true;
    isCutShort = true;
    return false;
  };
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(
      () => {
        isCutShort = true;
        resolve();
      },
      Math.max(0, remainingMs() - LAST_WAIT_MS),
    );
  });
  await Promise.race([work(hasTime), over]).finally(() => clearTimeout(timer));
  return !isCutShort;
}

/** Lists the ids of due generations while there is time. Includes those that become due meanwhile. */
async function* dueIds(
  { generations, moment }: ReconcileDeps,
  hasTime: () => boolean,
): AsyncGenerator<string, void, undefined> {
  let position: DueKey | undefined;
  do {
    const { ids, next } = await generations.due(moment().now, PAGE, position);
    for (const id of ids) {
      if (!hasTime()) return;
      yield id;
    }
    position = next;
  } while (position !== undefined);
}

async function startDue(deps: ReconcileDeps, id: string): Promise<Done> {
  const { moment } = deps;
  const looked = await look(deps, id);
  // It is not due any more, or not yet.
  if (looked?.kind !== 'written') return 'nothing';
  const { generation } = looked;
  if (generation.looks >= FRUITLESS && !isPatient(generation, moment())) {
    const { status, looks } = generation;
    log.error(
      'Nothing comes of looking at a generation',
      { generationId: id, status, looks, alarm: 'fruitless_looks' },
      { FruitlessLooks: 1 },
    );
  }
  const done = await startWork(deps, generation);
  if (done !== 'nothing')
    log.info('Took up what was due', { generationId: id, status: generation.status, done });
  return done;
}

/** Whether a generation waits for its turn to copy outputs. Until then looks make no progress, and need no alarm. */
const isPatient = (generation: Generation, moment: Moment): boolean =>
  isWaitingToBeCopied(generation) &&
  !isPatienceOver(generation, 'output_in_line', moment.durations.outputPatience, moment);

/** Notes a look, so that the next one is later. Ends a generation that has been in line for too long. */
async function look(
  { generations, notes, gate, moment }: ReconcileDeps,
  id: string,
): Promise<Updated | undefined> {
  const current = await generations.get(id);
  if (current === undefined) return undefined;
  const { now, durations } = moment();
  // The index may nominate it early, and lags behind the item.
  const looks = looksAt(current, durations);
  if (looks === undefined || looks > now) return undefined;
  const isItsTime = isInLine(current);
  // An earlier release does not note it. Then the wait counts from now.
  const { joinedLineAt } = isItsTime ? await notes.joinedLine(id, current.attempt, now) : {};
  const looked = await generations.update(current, (standing) =>
    noteLook(standing, moment(), standing.attempt === current.attempt ? joinedLineAt : undefined),
  );
  if (isItsTime && looked.kind === 'written' && hasEnded(looked.generation)) {
    // It may have been admitted just now, and then holds a slot.
    await gate.free(looked.generation, 'notRun').catch(logIgnored('its slot is given back in a minute'));
  }
  return looked;
}

async function startWork(
  { submit, collect, announce }: ReconcileDeps,
  generation: Generation,
): Promise<Done> {
  const { id, status } = generation;
  if (!hasEnded(generation) && generation.announcements.length > 0) {
    await announce(id).catch(logIgnored('it is announced with the next look', { generationId: id }));
  }
  switch (status) {
    case 'queued':
      if (generation.waiting) {
        // The gate starts it when its turn comes. A callback may name a task of it, though: that is collected now.
        if (generation.callback?.taskId === undefined) return 'nothing';
        await collect(id);
        return 'collected';
      }
      await submit(id);
      return 'submitted';
    case 'submitting':
      // The answer of its Run may be lost. If a callback names the task, collecting adopts it.
      if (generation.run !== undefined && generation.callback?.taskId !== undefined) await collect(id);
      await submit(id);
      return 'submitted';
    case 'running':
    case 'collecting':
      await collect(id);
      return 'collected';
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      await announce(id);
      return 'announced';
    default:
      return assertNever(status);
  }
}

/**
 * Tends all holders of slots, puts the first waiting generation in line, and starts the generations that there is room
 * for. The index shows every generation that waits. So each of them is found here within a minute, whatever was lost.
 * @returns When the first in line joined it; `null` if none waits.
 */
async function tendGate(deps: ReconcileDeps): Promise<Timestamp | null> {
  const { gate, submit, notes } = deps;
  await mapLimited(await gate.holders(), AT_ONCE, (id) =>
    tendHolder(deps, id).catch(logIgnored('the others are tended', { generationId: id })),
  );
  // Its submission may have been killed before it joined the line, or the index lagged when the line was served.
  const first = await firstInLine(deps);
  if (first !== undefined)
    await gate
      .joinLine(first)
      .catch(logIgnored('it is put in line again in a minute', { generationId: first.id }));
  // Most runs find nobody in line. Then the gate is read once.
  if (first === undefined && !gate.hasLine()) return null;
  await mapLimited(await gate.admit(MOST_STARTED), AT_ONCE, (id) =>
    submit(id).catch(logIgnored('it is started again in a minute', { generationId: id })),
  );
  if (first === undefined) return null;
  const { joinedLineAt } = await notes.read(first.id, first.attempt);
  return joinedLineAt ?? first.createdAt;
}

async function tendHolder({ gate, generations, submit }: ReconcileDeps, id: string): Promise<void> {
  const generation = await generations.get(id);
  if (generation === undefined) await gate.free({ id, revision: Number.MAX_SAFE_INTEGER }, 'ended');
  // Its task has ended and its outputs wait to be copied. It is not collected until its turn comes.
  else if (hasEnded(generation) || isWaitingToBeCopied(generation)) await gate.free(generation, 'ended');
  // It was admitted, but its submission never came or was killed. The slot stays, because its Run may start right now.
  // Another submission uses the slot or gives it back.
  else if (generation.status === 'queued') await submit(id);
}

/** Finds the oldest generation that waits and can be read. */
async function firstInLine({
  generations,
  moment,
  remainingMs,
  stepOver,
}: ReconcileDeps): Promise<Queued | undefined> {
  for (let from: string | undefined; ; ) {
    const page = await generations.waiting(FIRST_IN_LINE, from);
    for (const { id, queueKey } of page) {
      // A page starts with the last entry of the page before.
      if (queueKey === from || stepOver.isSteppedOver(id, moment().now)) continue;
      try {
        const generation = await generations.get(id);
        if (generation !== undefined && isInLine(generation)) return generation;
      } catch (error) {
        // A newer release wrote it, or the table does not answer.
        stepOver.noteFailure(id, moment().now);
        logIgnored('the next in line is looked at', { generationId: id })(error);
      }
    }
    from = page.at(-1)?.queueKey;
    if (from === undefined || page.length < FIRST_IN_LINE) return undefined;
    if (remainingMs() < LAST_START_MS) throw new Error('Cannot find the first in line: the time is over');
  }
}

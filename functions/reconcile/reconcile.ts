import { assertNever, type Generation, hasEnded, isInLine, type Queued } from '../generation/generation.ts';
import type { Moment, Timestamp } from '../generation/time.ts';
import { noteLook } from '../generation/transitions/look.ts';
import { isPatienceOver, isWaitingToBeCopied } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { forEachLimited, mapLimited } from '../runtime/map-limited.ts';
import type { AttemptNotesStore } from '../store/attempt-notes.ts';
import type { Gate } from '../store/gate.ts';
import type { DueKey, GenerationStore, Updated } from '../store/generation-store.ts';
import type { StepOver } from './step-over.ts';

export interface ReconcileDeps {
  readonly generations: Pick<GenerationStore, 'due' | 'get' | 'update' | 'waiting'>;
  readonly notes: Pick<AttemptNotesStore, 'joinedLine' | 'read'>;
  readonly gate: Pick<Gate, 'admit' | 'free' | 'holders' | 'joinLine'>;
  readonly submit: (id: string) => Promise<void>;
  readonly collect: (id: string) => Promise<void>;
  readonly announce: (id: string) => Promise<void>;
  readonly moment: () => Moment;
  /** Until Lambda ends this run. */
  readonly remainingMs: () => number;
  /** Of this environment, from run to run. */
  readonly stepOver: StepOver;
}

export interface Reconciled {
  /** Looked at. */
  readonly due: number;
  readonly submitted: number;
  readonly collected: number;
  readonly announced: number;
  /** Not looked at, because the last look threw. */
  readonly steppedOver: number;
  /** The time was over before everything due was looked at: the next run goes on. */
  readonly isCutShort: boolean;
  /** Since when the first in line has been waiting, `null` when nobody does; missing when the line could not be seen. */
  readonly waitingSince?: Timestamp | null;
}

/** Keys in memory at once. */
const PAGE = 1_000;
const AT_ONCE = 20;
/** Nothing is begun when less than this is left: one look, with an announcement, has ended by then. */
const LAST_START_MS = 20_000;
/** The run ends when this is left, whatever is still under way: that is due again. */
const LAST_WAIT_MS = 5_000;
/** Of those in line, who are then submitted by an invocation each. */
const MOST_STARTED = 25;
/** The index lags: the first ones that it names may not wait any more. */
const FIRST_IN_LINE = 25;
/** So many looks at one generation without anything coming of them: somebody should look, too. */
const FRUITLESS = 20;

type Done = 'submitted' | 'collected' | 'announced' | 'nothing';

/**
 * Tends the gate, then sets going whatever is due until nothing is or the time is over, so that no lost event,
 * callback or invocation matters. It decides nothing itself: two of it at once do the same thing twice, which is
 * harmless. One that throws is stepped over: it keeps nobody else back.
 */
export async function reconcile(deps: ReconcileDeps): Promise<Reconciled> {
  const { stepOver, moment } = deps;
  const waitingSince = await tendGate(deps).catch(logIgnored('the gate is tended again in a minute'));
  const counts = { due: 0, submitted: 0, collected: 0, announced: 0, steppedOver: 0 };
  const lookAt = async (id: string) => {
    if (stepOver.isSteppedOver(id, moment().now)) {
      counts.steppedOver += 1;
      return;
    }
    counts.due += 1;
    try {
      const done = await takeUp(deps, id);
      stepOver.worked(id);
      if (done !== 'nothing') counts[done] += 1;
    } catch (error) {
      stepOver.threw(id, moment().now);
      logIgnored('it is looked at again after a while', { generationId: id })(error);
    }
  };
  const isDone = await untilTimeIsOver(deps, (hasTime) =>
    forEachLimited(dueIds(deps, hasTime), AT_ONCE, lookAt),
  );
  return { ...counts, isCutShort: !isDone, ...(waitingSince !== undefined && { waitingSince }) };
}

/**
 * Waits for `work`, which is to begin nothing more once it has no time, and not for what hangs in it.
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

/** Ids of what is due, as long as there is time: also of what becomes due meanwhile. */
async function* dueIds(
  { generations, moment }: ReconcileDeps,
  hasTime: () => boolean,
): AsyncGenerator<string, void, undefined> {
  let place: DueKey | undefined;
  do {
    const { ids, next } = await generations.due(moment().now, PAGE, place);
    for (const id of ids) {
      if (!hasTime()) return;
      yield id;
    }
    place = next;
  } while (place !== undefined);
}

async function takeUp(deps: ReconcileDeps, id: string): Promise<Done> {
  const { moment } = deps;
  const looked = await look(deps, id);
  // Not due any more: the index lags behind the item.
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
  const done = await setGoing(deps, generation);
  if (done !== 'nothing')
    log.info('Took up what was due', { generationId: id, status: generation.status, done });
  return done;
}

/** Waits for its outputs' turn to be copied, as it may for a while: every look is in vain until that comes. */
const isPatient = (generation: Generation, moment: Moment): boolean =>
  isWaitingToBeCopied(generation) &&
  !isPatienceOver(generation, 'output_in_line', moment.durations.outputPatience, moment);

/** Notes the look, so that the next is later; ends the one whose time in line is over. */
async function look(
  { generations, notes, gate, moment }: ReconcileDeps,
  id: string,
): Promise<Updated | undefined> {
  const current = await generations.get(id);
  if (current === undefined) return undefined;
  const { now } = moment();
  const isItsTime = isInLine(current) && current.dueAt !== undefined && current.dueAt <= now;
  // A release before this one did not note it: then its wait counts from here.
  const { joinedLineAt } = isItsTime ? await notes.joinedLine(id, current.attempt, now) : {};
  const looked = await generations.update(current, (standing) =>
    noteLook(standing, moment(), standing.attempt === current.attempt ? joinedLineAt : undefined),
  );
  if (isItsTime && looked.kind === 'written' && hasEnded(looked.generation)) {
    // It may just have been admitted.
    await gate
      .free(looked.generation, 'notRun')
      .catch(logIgnored('it is over: its slot is taken back in a minute'));
  }
  return looked;
}

async function setGoing({ submit, collect, announce }: ReconcileDeps, generation: Generation): Promise<Done> {
  const { id, status } = generation;
  if (!hasEnded(generation) && generation.announcements.length > 0) {
    await announce(id).catch(logIgnored('it is announced with the next look', { generationId: id }));
  }
  switch (status) {
    case 'queued':
      if (generation.waiting) {
        // In line at the gate: it is started when its turn comes, unless a callback names a task that it has already.
        if (generation.callback?.taskId === undefined) return 'nothing';
        await collect(id);
        return 'collected';
      }
      await submit(id);
      return 'submitted';
    case 'submitting':
      // A callback may have named the task of a Run whose answer is not known: collecting adopts it.
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
 * Sees to those who hold a slot, puts into line whoever was forgotten, and starts those who wait. The index of those
 * who wait is the line: whoever is in it is found here within a minute, though everything else was lost.
 * @returns When the first in line joined it; `null` when nobody waits.
 */
async function tendGate(deps: ReconcileDeps): Promise<Timestamp | null> {
  const { gate, submit, notes } = deps;
  await mapLimited(await gate.holders(), AT_ONCE, (id) =>
    tendHolder(deps, id).catch(logIgnored('the others are tended', { generationId: id })),
  );
  // Crashed before it joined the line, admitted in vain, or passed over because the index lagged.
  const first = await firstInLine(deps);
  if (first !== undefined)
    await gate
      .joinLine(first)
      .catch(logIgnored('it is put in line again in a minute', { generationId: first.id }));
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
  // The task of one whose outputs wait to be copied has ended, and nobody collects it until its turn comes.
  else if (hasEnded(generation) || isWaitingToBeCopied(generation)) await gate.free(generation, 'ended');
  // Its submission never came after it was admitted, or was killed before it gave the slot back. It is not taken from
  // it: it may begin to run this very moment. Its submission uses the slot, or gives it back.
  else if (generation.status === 'queued') await submit(id);
}

/** The oldest that really waits and can be read. */
async function firstInLine({
  generations,
  moment,
  remainingMs,
  stepOver,
}: ReconcileDeps): Promise<Queued | undefined> {
  for (let from: string | undefined; ; ) {
    const page = await generations.waiting(FIRST_IN_LINE, from);
    for (const { id, queueKey } of page) {
      // The last of the page before is the first of this one.
      if (queueKey === from || stepOver.isSteppedOver(id, moment().now)) continue;
      try {
        const generation = await generations.get(id);
        if (generation !== undefined && isInLine(generation)) return generation;
      } catch (error) {
        // Of a newer release, or not to be had now.
        stepOver.threw(id, moment().now);
        logIgnored('the next in line is looked at', { generationId: id })(error);
      }
    }
    from = page.at(-1)?.queueKey;
    if (from === undefined || page.length < FIRST_IN_LINE) return undefined;
    if (remainingMs() < LAST_START_MS) throw new Error('The first in line was not found in time');
  }
}

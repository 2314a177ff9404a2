import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Generation, idOfQueueKey, queueKey, type Submitting } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { allOf, anyOf } from './conditions.ts';
import type { Table } from './dynamodb.ts';
import {
  type GateItem,
  HAS_LIMIT,
  HAS_NO_LIMIT,
  HOLDS_SLOT,
  hasFewer,
  hasLaterOwner,
  holdersOf,
  IS_FIRST_IN_LINE,
  IS_OPEN,
  isFirstInLine,
  isHolder,
  isLatest,
  MOST_TRACKED,
  MOST_UNANSWERED,
  openGateItem,
  ownerValues,
  type SlotOwner,
  setting,
  signature,
  takenBy,
} from './gate-item.ts';
import { createGateRoom } from './gate-room.ts';

/**
 * Wiro's concurrency limit, as one item: which generations may run now. While the limit is unknown, the gate bounds only
 * the Runs under way. A refusal with code 96 names the limit. From then on the gate counts slots.
 *
 * Generations wait in a line ordered by `queueKey`. An admitted generation has its slot at once. So two admissions never
 * give away the same room, and a younger generation never gets in between.
 */
export interface Gate {
  /**
   * Takes a slot for a Run if one is free and no older generation waits, or keeps the slot of an admission.
   * @param isAgain - Whether another holder may have had the slot in this attempt. @default false
   * @returns Whether the generation holds a slot now. If not, it must join the line.
   */
  take(generation: Generation, isAgain?: boolean): Promise<boolean>;
  /**
   * The Run is no longer under way. Its task, if there is one, keeps the slot until the task ends.
   * @returns Whether the line has a generation that there is room for. `undefined` if a later owner has the slot, or if
   *   there was nothing to note.
   */
  noteRunEnd(owner: SlotOwner): Promise<boolean | undefined>;
  /**
   * Gives a slot back: the task ended, or there is none. The caller has the line served next.
   * @returns Whether the line has a generation that there is room for.
   */
  free(owner: SlotOwner, why: 'ended' | 'notRun'): Promise<boolean>;
  /**
   * Wiro refused a Run with code 96. Learns the limit, gives the slot back, and shuts the gate until a task of ours ends,
   * unless one has ended since the Run was sent.
   * @param limit - As the refusal names it; `undefined` if the refusal names none.
   */
  noteRefusal(owner: SlotOwner & Pick<Submitting, 'run'>, limit: number | undefined): Promise<void>;
  /**
   * Puts a generation in line. Younger ones stay behind until it is admitted. Safe to repeat.
   * @returns Whether there may be room for the line.
   */
  joinLine(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<boolean>;
  /**
   * Gives slots to the generations that have waited longest.
   * @param most - The caller submits this many at once. More would hold their slots idle.
   * @param joining - A generation that has just joined the line. The index may not show it yet.
   * @returns The ids to submit now, oldest first. Only the caller submits them.
   */
  admit(most: number, joining?: Pick<Generation, 'createdAt' | 'id'>): Promise<readonly string[]>;
  /** Whether the line has a generation that there is room for. */
  isAwaited(): Promise<boolean>;
  /** Whether more tasks of ours ran than Wiro's limits allow, when this function last saw the gate. Asks nothing. */
  isCrowded(): boolean;
  /** Whether a generation waited in line, when this function last saw the gate. Asks nothing. */
  hasLine(): boolean;
  /** Ids that hold a slot. `reconcile` compares them with the generations. */
  holders(): Promise<readonly string[]>;
}

export interface GateDeps extends Table {
  /** The line from a `queueKey` on, oldest first. May lag. */
  readonly waiting: (
    limit: number,
    from: string,
  ) => Promise<readonly { readonly id: string; readonly queueKey: string }[]>;
  readonly durations: Durations;
  /** The most tasks of ours at once, even if Wiro would run more. @default - as many as Wiro runs */
  readonly maximum?: number | undefined;
  readonly clock?: Clock;
  /** @default - a timer */
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/** A failed write means that another one succeeded. 100 concurrent writers never occur. */
const MOST_TRIES = 100;
/** The longest pause before a try is repeated. */
const LONGEST_PAUSE_MS = 200;

export function createGate({
  client,
  tableName,
  waiting,
  durations,
  maximum = Number.POSITIVE_INFINITY,
  clock = () => new Date(),
  pause = sleep,
}: GateDeps): Gate {
  const now = () => timestamp(clock());
  const ago = (milliseconds: number) => timestamp(clock().getTime() - milliseconds);
  const isBounded = Number.isFinite(maximum);

  const seen = createGateRoom({ durations, maximum, now, ago });
  const { isPaused, room, isAwaited, grant } = seen;

  /** The gate as this function last read or wrote it. */
  let last: GateItem | undefined;
  const { read, update } = openGateItem({ client, tableName }, (gate) => {
    last = gate;
  });

  // --- giving a slot back ---------------------------------------------------------------------------------------

  /** Gives a slot back, unless a later owner has taken it. */
  const giveBack = (owner: SlotOwner) =>
    update(
      `DELETE #slots :id, #unanswered :id REMOVE #${takenBy(owner)}`,
      ownerValues(owner),
      isLatest(owner),
    );

  /** Gives back the slot of a task that ended. That leaves room at Wiro, so the pause is over. */
  async function giveBackEnded(owner: SlotOwner): Promise<GateItem | undefined> {
    const expression = `DELETE #slots :id, #unanswered :id REMOVE #${takenBy(owner)}, #pausedUntil`;
    const isNewest = anyOf('attribute_not_exists(#endedAt)', '#endedAt < :now');
    return (
      (await update(
        `${expression} SET #endedAt = :now`,
        { ...ownerValues(owner), ':now': now() },
        allOf(isLatest(owner), isNewest),
      )) ??
      // Another end has come first, with a later time: that one stands.
      (await update(expression, ownerValues(owner), isLatest(owner)))
    );
  }

  // --- taking a slot --------------------------------------------------------------------------------------------
  //
  // There are two ways, tried in this order.
  //  1. `takeAtOnce` is the usual one. It is one request: a write whose condition DynamoDB judges on the item as it
  //     stands at that instant.
  //  2. `takeAfterReading` covers what one condition cannot express: the probe, which raises the limit; Runs beyond
  //     `MOST_TRACKED`, which get no slot; a holder of one of those; and an admitted generation that finds the gate shut
  //     and must give its slot back. It reads, decides, and writes on condition that the decision still holds. It would
  //     do alone, for one request more.
  // The first is left out if the gate, when last seen, had no room for the generation, or had admitted it. Then reading
  // is enough: it costs less than a write, and takes nothing of the writes that one item can bear.

  const mayTakeAtOnce = (generation: Generation) =>
    last === undefined ||
    (!isHolder(last, generation.id) &&
      !seen.isCountFull(last) &&
      isFirstInLine(last, generation) &&
      room(last).free > 0);

  /** @returns Whether the generation holds a slot now. `false` also stands for "not decided". */
  async function takeAtOnce(generation: Generation, isAgain: boolean): Promise<boolean> {
    // A holder keeps its slot whatever the numbers say.
    const conditions = {
      isOpen: IS_OPEN,
      isLatest: isLatest(generation),
      isNextInLine: anyOf(HOLDS_SLOT, IS_FIRST_IN_LINE),
      isWithinLimit: anyOf(HOLDS_SLOT, HAS_NO_LIMIT, hasFewer('slots', '#limit')),
      isWithinUnanswered: anyOf(HOLDS_SLOT, HAS_LIMIT, hasFewer('unanswered', ':mostUnanswered')),
      isWithinMaximum: isBounded
        ? anyOf(HOLDS_SLOT, hasFewer('slots', ':mostHeld'))
        : anyOf(HOLDS_SLOT, HAS_LIMIT, hasFewer('slots', ':mostHeld')),
    };
    const taken = await update(
      [...setting(signature(generation, isAgain)), 'ADD #slots :id, #unanswered :id'].join(' '),
      {
        ...ownerValues(generation),
        ':me': generation.id,
        ':now': now(),
        ':queueKey': queueKey(generation),
        ':forget': ago(durations.limitForget),
        ':mostUnanswered': MOST_UNANSWERED,
        ':mostHeld': isBounded ? maximum : MOST_TRACKED,
      },
      allOf(...Object.values(conditions)),
    );
    return taken !== undefined;
  }

  async function takeAfterReading(generation: Generation, isAgain: boolean): Promise<boolean> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const gate = await read();
      // This owner's claim is long over.
      if (hasLaterOwner(gate, generation)) return false;
      if (isHolder(gate, generation.id)) {
        if (!isPaused(gate)) return await keep(gate, generation, isAgain);
        // A refusal has shut the gate since the admission: back in line, without the slot.
        await giveBack(generation);
        return false;
      }
      if (!isFirstInLine(gate, generation) || room(gate).free <= 0) return false;
      if (await takeGranted(gate, generation, isAgain)) return true;
      // Another has written in between, or the answer to this write was lost and the SDK has sent it twice.
    }
    return false;
  }

  /** Keeps the slot of an admission, and signs it. */
  async function keep({ slots }: GateItem, generation: Generation, isAgain: boolean): Promise<boolean> {
    const signed = slots.has(generation.id) ? signature(generation, isAgain) : [];
    if (signed.length === 0) return true;
    const values = { ':me': generation.id, ':revision': generation.revision };
    const kept = await update(
      // The Run of its earlier holder may have ended.
      `${setting(signed).join()} ADD #unanswered :id`,
      { ...values, ':id': new Set([generation.id]) },
      allOf(HOLDS_SLOT, isLatest(generation)),
    );
    return kept !== undefined;
  }

  async function takeGranted(gate: GateItem, generation: Generation, isAgain: boolean): Promise<boolean> {
    const { set, add, condition, values, isTracked } = grant(gate, [generation.id]);
    const signed = isTracked ? signature(generation, isAgain) : [];
    const taken = await update(
      [...setting([...set, ...signed]), add].join(' '),
      { ...values, ':queueKey': queueKey(generation), ':revision': generation.revision },
      allOf(anyOf(IS_FIRST_IN_LINE), isLatest(generation), condition),
    );
    return taken !== undefined;
  }

  // --- the line -------------------------------------------------------------------------------------------------

  async function joinLine(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<boolean> {
    const isBehind = (gate: GateItem) => !isFirstInLine(gate, generation);
    // As when taking a slot, a read costs less than a write in vain.
    if (last !== undefined && isBehind(last)) {
      const gate = await read();
      if (isBehind(gate)) return isAwaited(gate);
    }
    // One that was admitted meanwhile has left the line.
    const joined = await update(
      'SET #waitingSince = :queueKey',
      { ':queueKey': queueKey(generation), ':me': generation.id },
      allOf(anyOf(IS_FIRST_IN_LINE), `NOT ${HOLDS_SLOT}`),
    );
    return joined === undefined || isAwaited(joined);
  }

  /**
   * Gives slots to `admitted`, and makes `next` the first in line.
   * @param admission - Written with them.
   * @returns Whether this write is known to stand.
   */
  async function writeAdmission(
    gate: GateItem,
    admitted: readonly string[],
    next: string | undefined,
    admission: string,
  ): Promise<boolean> {
    const { set, add, condition, values } = grant(gate, admitted);
    const removed = [
      ...(next === undefined ? ['#waitingSince'] : []),
      // No slot is held, so no finishing task will clear the pause. The new slots must not shut the gate again.
      ...(gate.slots.size === 0 ? ['#pausedUntil'] : []),
    ];
    const isLineUnchanged =
      gate.waitingSince === undefined ? 'attribute_not_exists(#waitingSince)' : '#waitingSince = :first';
    // The line may have been served meanwhile, and begin as before: the same would be admitted again.
    const isServedByNone =
      gate.admission === undefined ? 'attribute_not_exists(#admission)' : '#admission = :served';
    const written = await update(
      [
        ...setting([
          ...set,
          '#admission = :admission',
          ...(next === undefined ? [] : ['#waitingSince = :next']),
        ]),
        ...(removed.length > 0 ? [`REMOVE ${removed.join(', ')}`] : []),
        add,
      ].join(' '),
      {
        ...values,
        ':admission': admission,
        ...(next !== undefined && { ':next': next }),
        ...(gate.waitingSince !== undefined && { ':first': gate.waitingSince }),
        ...(gate.admission !== undefined && { ':served': gate.admission }),
      },
      allOf(isLineUnchanged, isServedByNone, condition),
    );
    return written !== undefined;
  }

  return {
    take: async (generation, isAgain = false) =>
      (mayTakeAtOnce(generation) && (await takeAtOnce(generation, isAgain))) ||
      (await takeAfterReading(generation, isAgain)),

    async noteRunEnd(owner) {
      // If it was admitted below a known limit, its Run is not counted among those under way: there is nothing to undo.
      const mayBeCounted = last === undefined || !last.slots.has(owner.id) || last.unanswered.has(owner.id);
      if (!mayBeCounted && last?.probe !== owner.id) return undefined;
      const values = { ...ownerValues(owner), ':me': owner.id };
      const isNoProbe = anyOf('attribute_not_exists(#probe)', '#probe <> :me');
      const isProbe = '#probe = :me';
      const gate =
        (await update('DELETE #unanswered :id', values, allOf(isNoProbe, isLatest(owner)))) ??
        // The probe ran, so the limit has grown. The next may try one more at once.
        (await update(
          'DELETE #unanswered :id REMOVE #probe, #probedAt',
          values,
          allOf(isProbe, isLatest(owner)),
        ));
      return gate && isAwaited(gate);
    },

    async free(owner, why) {
      const gate = await (why === 'ended' ? giveBackEnded(owner) : giveBack(owner));
      return gate !== undefined && isAwaited(gate);
    },

    async noteRefusal(owner, limit) {
      // If the refusal names no limit, assume the number of other holders.
      const learnedLimit =
        limit ?? Math.max(1, [...(await read()).slots].filter((id) => id !== owner.id).length);
      // A task that has ended since has left room at Wiro. A pause would leave that room idle.
      const isFullSince = owner.run && {
        condition: anyOf('attribute_not_exists(#endedAt)', '#endedAt < :sentAt'),
        values: { ':sentAt': owner.run.startedAt },
      };
      // The pause comes before the slot is given back, so that none is taken in between.
      await update(
        'SET #pausedUntil = :until',
        { ':until': timestamp(clock().getTime() + durations.gatePause), ...isFullSince?.values },
        isFullSince?.condition,
      );
      const learn = 'SET #limit = :limit, #limitSeenAt = :now REMOVE #probe, #probedAt';
      const learned = { ':now': now(), ':limit': learnedLimit };
      const written = await update(
        `${learn}, #${takenBy(owner)} DELETE #slots :id, #unanswered :id`,
        { ...learned, ...ownerValues(owner) },
        isLatest(owner),
      );
      // The slot belongs to a later owner. The limit is true all the same.
      if (written === undefined) await update(learn, learned);
    },

    joinLine,

    async admit(most, joining) {
      const admission = randomUUID().slice(0, 8);
      let admitted: readonly string[] = [];
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const startedAt = performance.now();
        const gate = await read();
        // The answer to the last write was lost, and the SDK has sent it twice: the first time it was written.
        if (gate.admission === admission) return admitted;
        const first = gate.waitingSince;
        const joined = joining && !isHolder(gate, joining.id) ? queueKey(joining) : undefined;
        // The index may not show these two yet.
        const certain = [first, joined].filter((key) => key !== undefined).toSorted();
        const [oldest] = certain;
        if (oldest === undefined) return [];
        const free = Math.min(room(gate).free, most);
        if (free <= 0) {
          if (joining === undefined || oldest === first) return [];
          // Another has served the line to its end and did not see the one that joins: it is first now.
          await joinLine(joining);
          continue;
        }
        // The index shows an admitted generation until it is submitted. It has its slot, and must not get a second one.
        const shown = (await waiting(free + 1 + holdersOf(gate).size, oldest))
          .filter(({ id }) => !isHolder(gate, id))
          .map((one) => one.queueKey);
        const line = [...new Set([...shown, ...certain])].toSorted();
        admitted = line.slice(0, free).map(idOfQueueKey);
        if (await writeAdmission(gate, admitted, line[free], admission)) return admitted;
        // Others serve the line, too. Without a pause all of them would try again together, and all but one in vain.
        const tookMs = performance.now() - startedAt;
        await pause(Math.random() * Math.min(tookMs * 2 ** tries, LONGEST_PAUSE_MS));
      }
      // 100 others have moved the line meanwhile. `reconcile` serves what they left.
      return [];
    },

    isAwaited: async () => isAwaited(await read()),

    isCrowded: () => last === undefined || last.slots.size >= MOST_TRACKED,

    hasLine: () => last === undefined || last.waitingSince !== undefined,

    async holders() {
      const gate = await read();
      // An earlier release gives slots back and leaves their signatures.
      return [...new Set([...holdersOf(gate), ...gate.takenAt.keys()])];
    },
  };
}

import { randomUUID } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import { type Generation, idOfQueueKey, queueKey, type Submitting } from '../generation/generation.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/**
 * The generation that a message about a slot comes from, as it was last read or written. A retry, or another try, takes
 * a slot of its own. A late message of an earlier holder, which froze, leaves that slot alone.
 */
export type SlotOwner = Pick<Generation, 'id' | 'revision'>;

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
  /** The Run is no longer under way. Its task, if there is one, keeps the slot until the task ends. */
  noteRunEnd(owner: SlotOwner): Promise<void>;
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
  /** Puts a generation in line. Younger ones stay behind until it is admitted. Safe to repeat. */
  joinLine(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<void>;
  /**
   * Gives slots to the generations that have waited longest.
   * @param most - The caller submits this many at once. More would hold their slots idle.
   * @param joining - A generation that has just joined the line. The index may not show it yet.
   * @returns The ids to submit now, oldest first. Only the caller submits them.
   */
  admit(most: number, joining?: Pick<Generation, 'createdAt' | 'id'>): Promise<readonly string[]>;
  /** Whether the line has a generation that there is room for. */
  isAwaited(): Promise<boolean>;
  /** Ids that hold a slot. `reconcile` compares them with the generations. */
  holders(): Promise<readonly string[]>;
}

interface GateItem {
  readonly limit?: number;
  readonly limitSeenAt?: Timestamp;
  readonly probedAt?: Timestamp;
  /** The id that runs one more than the limit allows. */
  readonly probe?: string;
  readonly slots: ReadonlySet<string>;
  /** Ids whose Run is under way. */
  readonly unanswered: ReadonlySet<string>;
  readonly pausedUntil?: Timestamp;
  /** When a task of ours ended last. */
  readonly endedAt?: Timestamp;
  /** The `queueKey` of the first in line. */
  readonly waitingSince?: string;
  /** Names the latest admission, so that the one who made it knows it again. */
  readonly admission?: string;
  /**
   * By id, the revision that took the slot, if an earlier holder may have had one. Each is an attribute of its own, so
   * that the sets stay as every release reads them.
   */
  readonly takenAt: ReadonlyMap<string, number>;
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
}

/** Runs under way at once while the limit is unknown. */
const MOST_UNANSWERED = 20;
/** Wiro's limits are 25 at most. An account that runs more has none, and the item stays under 1 KB. */
const MOST_TRACKED = 26;
/** A failed write means that another one succeeded. 100 concurrent writers never occur. */
const MOST_TRIES = 100;

// Conditions on the stored item. Each is one group, and groups stand side by side: dynalite needs a second for nested ones.

const anyOf = (...conditions: readonly string[]) => `(${conditions.join(' OR ')})`;
const allOf = (...groups: readonly string[]) => groups.join(' AND ');
/** DynamoDB stores no empty set. */
const hasFewer = (set: 'slots' | 'unanswered', than: string) =>
  `attribute_not_exists(#${set}) OR size(#${set}) < ${than}`;
const hasAtMost = (set: 'slots' | 'unanswered', most: string) =>
  `attribute_not_exists(#${set}) OR size(#${set}) <= ${most}`;

/** A refusal shuts the gate only while a slot is held: the end of that holder's task opens it. */
const IS_OPEN = anyOf(
  'attribute_not_exists(#pausedUntil)',
  '#pausedUntil <= :now',
  'attribute_not_exists(#slots)',
);
const IS_FIRST_IN_LINE = 'attribute_not_exists(#waitingSince) OR #waitingSince > :queueKey';
/** `limit` and `limitSeenAt` are written together. */
const HAS_LIMIT = '#limitSeenAt > :forget';
const HAS_NO_LIMIT = 'attribute_not_exists(#limitSeenAt) OR #limitSeenAt <= :forget';
const HOLDS_SLOT = 'contains(#slots, :me)';
/** No later owner has taken the slot. */
const isLatest = (owner: SlotOwner) =>
  anyOf(`attribute_not_exists(#${takenBy(owner)})`, `#${takenBy(owner)} <= :revision`);

export function createGate({
  client,
  tableName,
  waiting,
  durations,
  maximum = Number.POSITIVE_INFINITY,
  clock = () => new Date(),
}: GateDeps): Gate {
  const Key = marshall({ pk: 'gate', sk: 'gate' });
  const now = () => timestamp(clock());
  const ago = (milliseconds: number) => timestamp(clock().getTime() - milliseconds);
  const isBounded = Number.isFinite(maximum);

  // Whether no more slots were counted when the gate was last seen. Then `takeAtOnce` would write in vain.
  let isCountFull = false;
  function see(item: Record<string, AttributeValue>): GateItem {
    const gate = toGate(item);
    isCountFull = !isBounded && !hasLimit(gate) && gate.slots.size >= MOST_TRACKED;
    return gate;
  }

  async function read(): Promise<GateItem> {
    const { Item = {} } = await client.send(
      new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return see(Item);
  }

  /** @returns The item after the write; `undefined` if the condition is not met. */
  async function update(
    expression: string,
    values: Record<string, unknown>,
    condition?: string,
  ): Promise<GateItem | undefined> {
    const names = new Set(
      [...`${expression} ${condition ?? ''}`.matchAll(/#(\w+)/g)].map(([, name = '']) => name),
    );
    try {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          UpdateExpression: expression,
          ...(condition !== undefined && { ConditionExpression: condition }),
          ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
          ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: toValues(values) }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return see(Attributes);
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }

  // --- what a gate that was read says ---------------------------------------------------------------------------

  const hasLimit = (gate: GateItem) =>
    gate.limit !== undefined &&
    gate.limitSeenAt !== undefined &&
    gate.limitSeenAt > ago(durations.limitForget);
  const isProbeDue = (gate: GateItem) =>
    (gate.probedAt ?? gate.limitSeenAt ?? '') <= ago(durations.limitProbe);
  const isPaused = ({ pausedUntil, slots }: GateItem) =>
    pausedUntil !== undefined && pausedUntil > now() && slots.size > 0;

  const holdersOf = ({ slots, unanswered }: GateItem) => new Set([...slots, ...unanswered]);
  const isHolder = (gate: GateItem, id: string) => holdersOf(gate).has(id);

  const hasLaterOwner = ({ takenAt }: GateItem, { id, revision }: SlotOwner) =>
    (takenAt.get(id) ?? 0) > revision;

  /** How many may pass now. A probe is one more than the limit allows. */
  function room(gate: GateItem): { readonly free: number; readonly isProbe: boolean } {
    const allowed = maximum - gate.slots.size;
    if (isPaused(gate) || allowed <= 0) return { free: 0, isProbe: false };
    if (!hasLimit(gate))
      return { free: Math.min(MOST_UNANSWERED - gate.unanswered.size, allowed), isProbe: false };
    const free = (gate.limit ?? 0) - gate.slots.size;
    // If more than the limit run already, Wiro is certain to refuse one more.
    const isProbe = free === 0 && isProbeDue(gate);
    return { free: isProbe ? 1 : Math.min(free, allowed), isProbe };
  }

  const isAwaited = (gate: GateItem) => gate.waitingSince !== undefined && room(gate).free > 0;

  // --- parts of a write -----------------------------------------------------------------------------------------

  const ownerValues = ({ id, revision }: SlotOwner) => ({ ':id': new Set([id]), ':revision': revision });

  /**
   * Signs a slot with the revision that takes it. The first holder of an attempt need not sign. Always written together
   * with the slot, so that there are never more signatures than slots.
   */
  const signature = ({ attempt, trouble, ...owner }: Generation, isAgain: boolean) =>
    isAgain || attempt > 1 || trouble !== undefined ? [`#${takenBy(owner)} = :revision`] : [];

  /** Parts of a write that gives slots to all of `ids`, on condition that there still is room for all of them. */
  function grant(gate: GateItem, ids: readonly string[]) {
    const { isProbe } = room(gate);
    const isWithinMaximum = isBounded ? [anyOf(hasAtMost('slots', ':mostHeld'))] : [];
    const values = {
      ':ids': new Set(ids),
      ':now': now(),
      ':forget': ago(durations.limitForget),
      ...(isBounded && { ':mostHeld': maximum - ids.length }),
    };
    if (!hasLimit(gate)) {
      // The account has no limit if so many run. Then only the Runs under way are counted.
      const isTracked = isBounded || gate.slots.size + ids.length <= MOST_TRACKED;
      return {
        isTracked,
        set: [],
        add: isTracked ? 'ADD #slots :ids, #unanswered :ids' : 'ADD #unanswered :ids',
        condition: allOf(
          IS_OPEN,
          ...isWithinMaximum,
          anyOf(HAS_NO_LIMIT),
          anyOf(hasAtMost('unanswered', ':most')),
        ),
        values: { ...values, ':most': MOST_UNANSWERED - ids.length },
      };
    }
    const limit = gate.limit ?? 0;
    // Limits grow with the balance. So one more than the limit is tried now and then. A refusal costs nothing.
    return {
      isTracked: true,
      set: isProbe ? ['#limit = :more', '#probedAt = :now', '#probe = :probe'] : [],
      add: 'ADD #slots :ids, #unanswered :ids',
      condition: allOf(
        IS_OPEN,
        ...isWithinMaximum,
        HAS_LIMIT,
        '#limit = :limit',
        anyOf(hasAtMost('slots', ':most')),
      ),
      values: {
        ...values,
        ':limit': limit,
        ':most': limit + (isProbe ? 1 : 0) - ids.length,
        ...(isProbe && { ':more': limit + 1, ':probe': ids[0] }),
      },
    };
  }

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
      const isFirst = gate.waitingSince === undefined || gate.waitingSince > queueKey(generation);
      if (!isFirst || room(gate).free <= 0) return false;
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
    const kept = await update(setting(signed).join(), values, allOf(HOLDS_SLOT, isLatest(generation)));
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

  async function joinLine(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<void> {
    // One that was admitted meanwhile has left the line.
    await update(
      'SET #waitingSince = :queueKey',
      { ':queueKey': queueKey(generation), ':me': generation.id },
      allOf(anyOf(IS_FIRST_IN_LINE), `NOT ${HOLDS_SLOT}`),
    );
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
      },
      allOf(isLineUnchanged, condition),
    );
    return written !== undefined;
  }

  return {
    take: async (generation, isAgain = false) =>
      (!isCountFull && (await takeAtOnce(generation, isAgain))) ||
      (await takeAfterReading(generation, isAgain)),

    async noteRunEnd(owner) {
      const values = { ...ownerValues(owner), ':me': owner.id };
      const isNoProbe = anyOf('attribute_not_exists(#probe)', '#probe <> :me');
      if (await update('DELETE #unanswered :id', values, allOf(isNoProbe, isLatest(owner)))) return;
      // The probe ran, so the limit has grown. The next may try one more at once.
      const isProbe = '#probe = :me';
      await update(
        'DELETE #unanswered :id REMOVE #probe, #probedAt',
        values,
        allOf(isProbe, isLatest(owner)),
      );
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
      }
      // 100 others have moved the line meanwhile. `reconcile` serves what they left.
      return [];
    },

    isAwaited: async () => isAwaited(await read()),

    async holders() {
      const gate = await read();
      // An earlier release gives slots back and leaves their signatures.
      return [...new Set([...holdersOf(gate), ...gate.takenAt.keys()])];
    },
  };
}

/** The names of the attributes that sign slots begin with this. */
const TAKEN = 'taken_';
const takenBy = ({ id }: Pick<SlotOwner, 'id'>) => `${TAKEN}${id}`;

const setting = (assigned: readonly string[]) => (assigned.length > 0 ? [`SET ${assigned.join(', ')}`] : []);

function toGate(item: Record<string, AttributeValue>): GateItem {
  const { slots = new Set(), unanswered = new Set(), ...rest } = unmarshall(item);
  const takenAt = Object.entries(rest)
    .filter(([name]) => name.startsWith(TAKEN))
    .map(([name, revision]) => [name.slice(TAKEN.length), Number(revision)] as const);
  return { ...rest, slots, unanswered, takenAt: new Map(takenAt) };
}

function toValues(values: Record<string, unknown>): Record<string, AttributeValue> {
  return marshall(values, { removeUndefinedValues: true });
}

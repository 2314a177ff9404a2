import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Generation, idOfQueueKey, queueKey } from '../generation/generation.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/**
 * Of whose slot something is said: the generation as it was read or written last. A retry, or another try, takes a slot
 * of its own: what a holder that froze says late of an earlier one changes nothing of it.
 */
export type SlotOwner = Pick<Generation, 'id' | 'revision'>;

/**
 * Wiro's concurrency limit, as one item: who may run now. Without a known limit it only bounds the Runs that are
 * not answered yet; a refusal with code 96 names the limit, and from then on slots are counted.
 *
 * Those who wait are in line by `queueKey`. Whoever is admitted has its slot from that moment, so that no two
 * admissions hand out the same room, and nobody younger comes between.
 */
export interface Gate {
  /**
   * Takes a slot for a Run, where there is one and nobody older waits; or keeps the one it was admitted to.
   * @param isAgain - Whether another holder may have had it in this attempt. @default false
   * @returns Whether it holds a slot now; if not, `wait` in line.
   */
  take(generation: Generation, isAgain?: boolean): Promise<boolean>;
  /** The Run was answered: it made a task, which keeps the slot until its end. */
  ran(of: SlotOwner): Promise<void>;
  /**
   * Gives a slot back: the task ended, or there is none. Whoever frees one has the line served next.
   * @returns Whether there is room for somebody in line.
   */
  free(of: SlotOwner, why: 'ended' | 'notRun'): Promise<boolean>;
  /** Wiro refused a Run with code 96: learns the limit and shuts the gate until a task of ours ends. */
  refused(of: SlotOwner, limit: number | undefined): Promise<void>;
  /** Joins the line: younger ones are kept back until it was admitted. Repeating it does no harm. */
  wait(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<void>;
  /**
   * Gives slots to the oldest waiting ones, as far as there are any.
   * @param most - Whoever is admitted holds a slot until somebody submits it: no more than are submitted at once.
   * @param joining - One that has just joined the line, which the index may not show yet.
   * @returns Whom to submit now, oldest first. Nobody else will.
   */
  admit(most: number, joining?: Pick<Generation, 'createdAt' | 'id'>): Promise<readonly string[]>;
  /** Whether there is room for somebody in line. */
  isAwaited(): Promise<boolean>;
  /** Ids that hold a slot, for `reconcile` to compare with what they really do. */
  holders(): Promise<readonly string[]>;
}

interface GateItem {
  readonly limit?: number;
  readonly limitSeenAt?: Timestamp;
  readonly probedAt?: Timestamp;
  readonly probe?: string;
  readonly slots: ReadonlySet<string>;
  readonly unanswered: ReadonlySet<string>;
  readonly pausedUntil?: Timestamp;
  /** The `queueKey` of the oldest one in line that was not admitted yet. */
  readonly waitingSince?: string;
  /**
   * By id, the revision of the generation that has taken the slot, where an earlier one may have had it. An attribute for
   * each, beside the sets of ids that every release reads.
   */
  readonly takenAt: ReadonlyMap<string, number>;
}

export interface GateDeps extends Table {
  /** Who waits, oldest first, from a `queueKey` on; may lag. */
  readonly waiting: (
    limit: number,
    from: string,
  ) => Promise<readonly { readonly id: string; readonly queueKey: string }[]>;
  readonly durations: Durations;
  /** Tasks of ours at once, whatever Wiro would take. @default - as many as Wiro takes */
  readonly maximum?: number | undefined;
  readonly clock?: Clock;
}

/** Runs under way at once while no limit is known. */
const MOST_UNANSWERED = 20;
/** Wiro's limits end far below: beyond this many an account has none, and the item stays small. */
const MOST_TRACKED = 60;
/** Whoever fails to move the line was overtaken by one who did: so many at once there never are. */
const MOST_TRIES = 100;

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

  async function read(): Promise<GateItem> {
    const { Item = {} } = await client.send(
      new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return toGate(Item);
  }

  /** @returns What stands then; `undefined` when the condition is not met. */
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
      return toGate(Attributes);
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }

  const isLimitKnown = (gate: GateItem) =>
    gate.limit !== undefined &&
    gate.limitSeenAt !== undefined &&
    gate.limitSeenAt > ago(durations.limitForget);
  const isProbeDue = (gate: GateItem) =>
    (gate.probedAt ?? gate.limitSeenAt ?? '') <= ago(durations.limitProbe);
  const isPaused = ({ pausedUntil, slots }: GateItem) =>
    pausedUntil !== undefined && pausedUntil > now() && slots.size > 0;

  const holds = ({ slots, unanswered }: GateItem, id: string) => slots.has(id) || unanswered.has(id);

  const isLater = ({ takenAt }: GateItem, { id, revision }: SlotOwner) => (takenAt.get(id) ?? 0) > revision;

  /** How many may pass now; the one more than the known limit is a probe. */
  function room(gate: GateItem): { readonly free: number; readonly isProbe: boolean } {
    const allowed = maximum - gate.slots.size;
    if (isPaused(gate) || allowed <= 0) return { free: 0, isProbe: false };
    if (!isLimitKnown(gate))
      return { free: Math.min(MOST_UNANSWERED - gate.unanswered.size, allowed), isProbe: false };
    const free = (gate.limit ?? 0) - gate.slots.size;
    // More than the limit run already: one more is certain to be refused.
    const isProbe = free === 0 && isProbeDue(gate);
    return { free: isProbe ? 1 : Math.min(free, allowed), isProbe };
  }

  const isAwaited = (gate: GateItem) => gate.waitingSince !== undefined && room(gate).free > 0;

  // Shut only while somebody holds a slot: it is their end that opens it.
  const OPEN = '(attribute_not_exists(#pausedUntil) OR #pausedUntil <= :now OR attribute_not_exists(#slots))';
  const MY_TURN = 'attribute_not_exists(#waitingSince) OR #waitingSince > :queueKey';
  // A limit and when it was seen are written together.
  const KNOWN = '#limitSeenAt > :forget';
  const UNKNOWN = 'attribute_not_exists(#limitSeenAt) OR #limitSeenAt <= :forget';

  /** Not taken by a later one. */
  const notLater = (of: SlotOwner) => `attribute_not_exists(#${takenBy(of)}) OR #${takenBy(of)} <= :revision`;
  /** Said with the slot alone, so that there are never more of these than slots; the first to take it need not. */
  const signing = ({ attempt, trouble, ...of }: Generation, isAgain: boolean) =>
    isAgain || attempt > 1 || trouble !== undefined ? [`#${takenBy(of)} = :revision`] : [];
  const valuesOf = ({ id, revision }: SlotOwner) => ({ ':id': new Set([id]), ':revision': revision });

  const isBounded = Number.isFinite(maximum);

  /** Adds to the slots on condition that there is room for all of them. */
  function grant(gate: GateItem, ids: readonly string[]) {
    const { isProbe } = room(gate);
    const open = isBounded ? `${OPEN} AND (attribute_not_exists(#slots) OR size(#slots) <= :mostHeld)` : OPEN;
    const values = {
      ':ids': new Set(ids),
      ':now': now(),
      ':forget': ago(durations.limitForget),
      ...(isBounded && { ':mostHeld': maximum - ids.length }),
    };
    if (!isLimitKnown(gate)) {
      // So many run that the account has no limit: count only what is not answered.
      const isTracked = isBounded || gate.slots.size + ids.length <= MOST_TRACKED;
      return {
        isTracked,
        set: [],
        add: isTracked ? 'ADD #slots :ids, #unanswered :ids' : 'ADD #unanswered :ids',
        condition: `${open} AND (${UNKNOWN}) AND (attribute_not_exists(#unanswered) OR size(#unanswered) <= :most)`,
        values: { ...values, ':most': MOST_UNANSWERED - ids.length },
      };
    }
    // One more than the known limit, now and then: balances grow. A refusal costs nothing and names the limit.
    return {
      isTracked: true,
      set: isProbe ? ['#limit = :more', '#probedAt = :now', '#probe = :probe'] : [],
      add: 'ADD #slots :ids, #unanswered :ids',
      condition: `${open} AND ${KNOWN} AND #limit = :limit AND (attribute_not_exists(#slots) OR size(#slots) <= :most)`,
      values: {
        ...values,
        ':limit': gate.limit,
        ':most': (gate.limit ?? 0) + (isProbe ? 1 : 0) - ids.length,
        ...(isProbe && { ':more': (gate.limit ?? 0) + 1, ':probe': ids[0] }),
      },
    };
  }

  /** Lets go of a slot, unless a later one has taken it. */
  const giveBack = (of: SlotOwner, alsoRemove: readonly string[] = []) =>
    update(
      `DELETE #slots :id, #unanswered :id REMOVE ${[`#${takenBy(of)}`, ...alsoRemove].join(', ')}`,
      valuesOf(of),
      notLater(of),
    );

  /** Signs the slot that an admission has given. */
  async function keep({ slots }: GateItem, generation: Generation, isAgain: boolean): Promise<boolean> {
    const signed = slots.has(generation.id) ? signing(generation, isAgain) : [];
    if (signed.length === 0) return true;
    const isMine = `contains(#slots, :me) AND (${notLater(generation)})`;
    const values = { ':me': generation.id, ':revision': generation.revision };
    return (await update(setting(signed).join(), values, isMine)) !== undefined;
  }

  async function wait(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<void> {
    await update(
      'SET #waitingSince = :queueKey',
      { ':queueKey': queueKey(generation) },
      'attribute_not_exists(#waitingSince) OR #waitingSince > :queueKey',
    );
  }

  return {
    async take(generation, isAgain = false) {
      const { id, revision } = generation;
      const mine = queueKey(generation);
      const isTakenAtOnce = await update(
        [...setting(signing(generation, isAgain)), 'ADD #slots :id, #unanswered :id'].join(' '),
        {
          ...valuesOf(generation),
          ':me': id,
          ':now': now(),
          ':queueKey': mine,
          ':forget': ago(durations.limitForget),
          ':mostUnanswered': MOST_UNANSWERED,
          ':mostTracked': isBounded ? maximum : MOST_TRACKED,
          ...(isBounded && { ':mostHeld': maximum }),
        },
        // Whoever holds a slot keeps it. Parentheses side by side, not nested: dynalite takes a second for nested ones.
        [
          OPEN,
          `(${notLater(generation)})`,
          `(contains(#slots, :me) OR ${MY_TURN})`,
          `(contains(#slots, :me) OR ${UNKNOWN} OR attribute_not_exists(#slots) OR size(#slots) < #limit)`,
          `(contains(#slots, :me) OR ${KNOWN} OR attribute_not_exists(#unanswered) OR size(#unanswered) < :mostUnanswered)`,
          `(contains(#slots, :me) OR ${KNOWN} OR attribute_not_exists(#slots) OR size(#slots) < :mostTracked)`,
          ...(isBounded
            ? ['(contains(#slots, :me) OR attribute_not_exists(#slots) OR size(#slots) < :mostHeld)']
            : []),
        ].join(' AND '),
      );
      if (isTakenAtOnce) return true;
      const gate = await read();
      // This one was given up long ago.
      if (isLater(gate, generation)) return false;
      if (!isPaused(gate) && holds(gate, id)) return await keep(gate, generation, isAgain);
      const isMyTurn = gate.waitingSince === undefined || gate.waitingSince > mine;
      if (isMyTurn && room(gate).free > 0) {
        const { set, add, condition, values, isTracked } = grant(gate, [id]);
        const expression = [
          ...setting([...set, ...(isTracked ? signing(generation, isAgain) : [])]),
          add,
        ].join(' ');
        const isTaken = await update(
          expression,
          { ...values, ':queueKey': mine, ':revision': revision },
          `(${MY_TURN}) AND (${notLater(generation)}) AND ${condition}`,
        );
        if (isTaken) return true;
      }
      // Admitted, but refusals have shut the gate meanwhile: back in line, without the slot.
      if (holds(gate, id)) await giveBack(generation);
      return false;
    },

    async ran(of) {
      const mine = { ...valuesOf(of), ':me': of.id };
      const isNoProbe = 'attribute_not_exists(#probe) OR #probe <> :me';
      if (await update('DELETE #unanswered :id', mine, `(${isNoProbe}) AND (${notLater(of)})`)) return;
      // The limit has grown: the next may try one more at once.
      const isProbe = `#probe = :me AND (${notLater(of)})`;
      await update('DELETE #unanswered :id REMOVE #probe, #probedAt', mine, isProbe);
    },

    async free(of, why) {
      // A task of ours that ended leaves its place at Wiro: no need to wait for the pause to pass.
      const gate = await giveBack(of, why === 'ended' ? ['#pausedUntil'] : []);
      return gate !== undefined && isAwaited(gate);
    },

    async refused(of, limit) {
      // Without a number in the message: as many as hold a slot besides the refused one.
      const known = limit ?? Math.max(1, [...(await read()).slots].filter((one) => one !== of.id).length);
      const learn =
        'SET #limit = :limit, #limitSeenAt = :now, #pausedUntil = :until REMOVE #probe, #probedAt';
      const learned = {
        ':now': now(),
        ':until': timestamp(clock().getTime() + durations.gatePause),
        ':limit': known,
      };
      const isGiven = await update(
        `${learn}, #${takenBy(of)} DELETE #slots :id, #unanswered :id`,
        { ...learned, ...valuesOf(of) },
        notLater(of),
      );
      // The limit is as true when a late one learns it.
      if (!isGiven) await update(learn, learned);
    },

    wait,

    async admit(most, joining) {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const gate = await read();
        const seen = gate.waitingSince;
        const joined = joining && !holds(gate, joining.id) ? queueKey(joining) : undefined;
        const from = [seen, joined].filter((key) => key !== undefined).sort()[0];
        if (from === undefined) return [];
        const free = Math.min(room(gate).free, most);
        if (free <= 0) {
          if (joining === undefined || from === seen) return [];
          // Somebody served the line to its end and did not see the one that joins it.
          await wait(joining);
          continue;
        }
        const line = new Set((await waiting(free + 1, from)).map((one) => one.queueKey));
        // The index may not show them yet.
        for (const key of [seen, joined]) if (key !== undefined) line.add(key);
        const oldest = [...line].sort();
        const admitted = oldest.slice(0, free).map(idOfQueueKey);
        const next = oldest[free];
        const { set, add, condition, values } = grant(gate, admitted);
        const assigned = [...set, ...(next === undefined ? [] : ['#waitingSince = :next'])];
        const removed = [
          ...(next === undefined ? ['#waitingSince'] : []),
          // Nobody's end was left to open it: it must not shut again behind those who are admitted now.
          ...(gate.slots.size === 0 ? ['#pausedUntil'] : []),
        ];
        const isAdmitted = await update(
          [...setting(assigned), ...(removed.length > 0 ? [`REMOVE ${removed.join(', ')}`] : []), add].join(
            ' ',
          ),
          {
            ...values,
            ...(next !== undefined && { ':next': next }),
            ...(seen !== undefined && { ':seen': seen }),
          },
          `${seen === undefined ? 'attribute_not_exists(#waitingSince)' : '#waitingSince = :seen'} AND ${condition}`,
        );
        if (isAdmitted) return admitted;
      }
      // Lost to a hundred others: they have moved the line, and `reconcile` serves what they left.
      return [];
    },

    isAwaited: async () => isAwaited(await read()),

    async holders() {
      const { slots, unanswered, takenAt } = await read();
      // An earlier release leaves what it knows nothing of.
      return [...new Set([...slots, ...unanswered, ...takenAt.keys()])];
    },
  };
}

/** What the names of the attributes begin with that say who has taken a slot. */
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

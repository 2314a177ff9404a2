import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Generation, queueKey } from '../generation/generation.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/**
 * Wiro's concurrency limit, as one item: who may run now. Without a known limit it only bounds the Runs that are
 * not answered yet; a refusal with code 96 names the limit, and from then on slots are counted.
 */
export interface Gate {
  /**
   * Takes a slot for a Run. Whoever is older than the oldest one waiting may; repeating it changes nothing.
   * @returns Whether the slot is taken; if not, `wait` in line.
   */
  take(generation: Generation): Promise<boolean>;
  /** The Run was answered: it made a task, which keeps the slot until its end. */
  ran(id: string): Promise<void>;
  /** Gives a slot back: the task ended, or there is none. */
  free(id: string, why: 'ended' | 'notRun'): Promise<void>;
  /** Wiro refused a Run with code 96: learns the limit and shuts the gate until a task of ours ends. */
  refused(id: string, limit: number | undefined): Promise<void>;
  /** Keeps younger ones back until it had its turn. */
  wait(generation: Generation): Promise<void>;
  /**
   * Lets the oldest waiting ones pass, as many as there are slots.
   * @param joining - One that has just joined the line, which the index may not show yet.
   * @returns Whom to submit now, oldest first.
   */
  admit(joining?: Generation): Promise<readonly string[]>;
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
  readonly waitingSince?: string;
}

export interface GateDeps extends Table {
  /** Who waits, oldest first; may lag. */
  readonly waiting: (limit: number) => Promise<readonly { readonly id: string; readonly queueKey: string }[]>;
  readonly durations: Durations;
  readonly clock?: Clock;
}

/** Runs under way at once while no limit is known. */
const MOST_UNANSWERED = 20;
/** Wiro's limits end far below: beyond this many an account has none, and the item stays small. */
const MOST_TRACKED = 60;
const MOST_ADMITTED = 25;

export function createGate({
  client,
  tableName,
  waiting,
  durations,
  clock = () => new Date(),
}: GateDeps): Gate {
  const Key = marshall({ pk: 'gate', sk: 'gate' });
  const now = () => timestamp(clock());
  const ago = (milliseconds: number) => timestamp(clock().getTime() - milliseconds);

  async function read(): Promise<GateItem> {
    const { Item = {} } = await client.send(
      new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    const { slots = new Set(), unanswered = new Set(), ...rest } = unmarshall(Item);
    return { ...rest, slots, unanswered };
  }

  async function update(
    expression: string,
    values: Record<string, unknown>,
    condition?: string,
  ): Promise<boolean> {
    const names = new Set(
      [...`${expression} ${condition ?? ''}`.matchAll(/#(\w+)/g)].map(([, name = '']) => name),
    );
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          UpdateExpression: expression,
          ...(condition !== undefined && { ConditionExpression: condition }),
          ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
          ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: toValues(values) }),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  const isLimitKnown = (gate: GateItem) =>
    gate.limit !== undefined &&
    gate.limitSeenAt !== undefined &&
    gate.limitSeenAt > ago(durations.limitForget);
  const isProbeDue = (gate: GateItem) =>
    (gate.probedAt ?? gate.limitSeenAt ?? '') <= ago(durations.limitProbe);

  /** How many may pass now. */
  function room(gate: GateItem): number {
    if (gate.pausedUntil !== undefined && gate.pausedUntil > now()) return 0;
    if (!isLimitKnown(gate)) return MOST_UNANSWERED - gate.unanswered.size;
    const free = (gate.limit ?? 0) - gate.slots.size;
    return free > 0 ? free : isProbeDue(gate) ? 1 : 0;
  }

  const OPEN = '(attribute_not_exists(#pausedUntil) OR #pausedUntil <= :now)';
  const MY_TURN = '(attribute_not_exists(#waitingSince) OR #waitingSince >= :queueKey)';
  const KNOWN = '(attribute_exists(#limit) AND #limitSeenAt > :forget)';
  const UNKNOWN = '(attribute_not_exists(#limit) OR #limitSeenAt <= :forget)';

  return {
    async take(generation) {
      const { id } = generation;
      const mine = { ':id': new Set([id]), ':now': now(), ':queueKey': queueKey(generation) };
      const forget = { ':forget': ago(durations.limitForget) };
      const isTaken = await update(
        'ADD #slots :id, #unanswered :id',
        { ...mine, ...forget, ':me': id, ':mostUnanswered': MOST_UNANSWERED, ':mostTracked': MOST_TRACKED },
        `contains(#slots, :me) OR (${OPEN} AND ${MY_TURN} AND (
          (${KNOWN} AND (attribute_not_exists(#slots) OR size(#slots) < #limit))
          OR (${UNKNOWN} AND (attribute_not_exists(#unanswered) OR size(#unanswered) < :mostUnanswered)
            AND (attribute_not_exists(#slots) OR size(#slots) < :mostTracked))))`,
      );
      if (isTaken) return true;
      const gate = await read();
      if (room(gate) <= 0 || (gate.waitingSince !== undefined && gate.waitingSince < queueKey(generation)))
        return false;
      if (!isLimitKnown(gate)) {
        // So many run that the account has no limit: count only what is not answered.
        return update(
          'ADD #unanswered :id',
          { ...mine, ...forget, ':mostUnanswered': MOST_UNANSWERED },
          `${OPEN} AND ${MY_TURN} AND ${UNKNOWN} AND (attribute_not_exists(#unanswered) OR size(#unanswered) < :mostUnanswered)`,
        );
      }
      // One more than the known limit, now and then: balances grow. A refusal costs nothing and names the limit.
      return update(
        'SET #limit = :more, #probedAt = :now, #probe = :me ADD #slots :id, #unanswered :id',
        {
          ...mine,
          ':me': id,
          ':limit': gate.limit,
          ':more': gate.slots.size + 1,
          ':probe': ago(durations.limitProbe),
        },
        `${OPEN} AND ${MY_TURN} AND #limit = :limit AND size(#slots) >= #limit
          AND (attribute_not_exists(#probedAt) OR #probedAt <= :probe)`,
      );
    },

    async ran(id) {
      await update('DELETE #unanswered :id', { ':id': new Set([id]) });
      // The limit has grown: the next may try one more at once.
      await update('REMOVE #probe, #probedAt', { ':me': id }, '#probe = :me');
    },

    async free(id, why) {
      // A task of ours that ended leaves its place at Wiro: no need to wait for the pause to pass.
      const reopen = why === 'ended' ? ' REMOVE #pausedUntil' : '';
      await update(`DELETE #slots :id, #unanswered :id${reopen}`, { ':id': new Set([id]) });
    },

    async refused(id, limit) {
      const values = {
        ':id': new Set([id]),
        ':now': now(),
        ':until': timestamp(clock().getTime() + durations.gatePause),
      };
      if (limit === undefined) {
        await update('SET #pausedUntil = :until DELETE #slots :id, #unanswered :id', {
          ':id': values[':id'],
          ':until': values[':until'],
        });
        return;
      }
      await update(
        'SET #limit = :limit, #limitSeenAt = :now, #pausedUntil = :until REMOVE #probe DELETE #slots :id, #unanswered :id',
        { ...values, ':limit': limit },
      );
    },

    async wait(generation) {
      await update(
        'SET #waitingSince = :queueKey',
        { ':queueKey': queueKey(generation) },
        'attribute_not_exists(#waitingSince) OR #waitingSince > :queueKey',
      );
    },

    async admit(joining) {
      const gate = await read();
      if (gate.waitingSince === undefined) return [];
      const free = Math.min(room(gate), MOST_ADMITTED);
      if (free <= 0) return [];
      const line = new Map((await waiting(free + 1)).map((one) => [one.queueKey, one.id]));
      if (joining !== undefined) line.set(queueKey(joining), joining.id);
      const oldest = [...line].sort(([a], [b]) => (a < b ? -1 : 1));
      const admitted = oldest.slice(0, free);
      const last = oldest.length > free ? admitted.at(-1)?.[0] : undefined;
      // Nobody younger than the last one admitted may pass before it; with nobody left in line, everybody may.
      const condition = '#waitingSince = :seen';
      const stands = last
        ? await update('SET #waitingSince = :last', { ':last': last, ':seen': gate.waitingSince }, condition)
        : await update('REMOVE #waitingSince', { ':seen': gate.waitingSince }, condition);
      // Somebody else moved the line meanwhile, and serves it.
      return stands ? admitted.map(([, id]) => id) : [];
    },

    async holders() {
      const { slots, unanswered } = await read();
      return [...new Set([...slots, ...unanswered])];
    },
  };
}

function toValues(values: Record<string, unknown>): Record<string, AttributeValue> {
  return marshall(values, { removeUndefinedValues: true });
}

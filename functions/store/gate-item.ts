import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import { type Generation, queueKey } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import { anyOf } from './conditions.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/**
 * The generation that a message about a slot comes from, as it was last read or written. A retry, or another try, takes
 * a slot of its own. A late message of an earlier holder, which froze, leaves that slot alone.
 */
export type SlotOwner = Pick<Generation, 'id' | 'revision'>;

export interface GateItem {
  readonly limit?: number;
  readonly limitSeenAt?: Timestamp;
  readonly probedAt?: Timestamp;
  /** The id that runs one more than the limit allows. */
  readonly probe?: string;
  readonly slots: ReadonlySet<string>;
  /** Ids whose Run is under way. Those admitted below a known limit may be missing. */
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

/** Runs under way at once while the limit is unknown. */
export const MOST_UNANSWERED = 20;
/** Wiro's limits are 25 at most. An account that runs more has none, and the item stays under 1 KB. */
export const MOST_TRACKED = 26;
/** The names of the attributes that sign slots begin with this. */
const TAKEN = 'taken_';
export const takenBy = ({ id }: Pick<SlotOwner, 'id'>) => `${TAKEN}${id}`;

function toGate(item: Record<string, AttributeValue>): GateItem {
  const { slots = new Set(), unanswered = new Set(), ...rest } = unmarshall(item);
  const takenAt = Object.entries(rest)
    .filter(([name]) => name.startsWith(TAKEN))
    .map(([name, revision]) => [name.slice(TAKEN.length), Number(revision)] as const);
  return { ...rest, slots, unanswered, takenAt: new Map(takenAt) };
}

/** @param see - Called with the item after each read and each write. */
export function openGateItem({ client, tableName }: Table, see: (gate: GateItem) => void) {
  const Key = marshall({ pk: 'gate', sk: 'gate' });

  function seen(item: Record<string, AttributeValue>): GateItem {
    const gate = toGate(item);
    see(gate);
    return gate;
  }

  return {
    async read(): Promise<GateItem> {
      const { Item = {} } = await client.send(
        new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
      );
      return seen(Item);
    },

    /** @returns The item after the write; `undefined` if the condition is not met. */
    async update(
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
        return seen(Attributes);
      } catch (error) {
        if (isConditionFailed(error)) return undefined;
        throw error;
      }
    },
  };
}

function toValues(values: Record<string, unknown>): Record<string, AttributeValue> {
  return marshall(values, { removeUndefinedValues: true });
}

export const holdersOf = ({ slots, unanswered }: GateItem) => new Set([...slots, ...unanswered]);
export const isHolder = (gate: GateItem, id: string) => holdersOf(gate).has(id);

/** Whether none waits that was accepted earlier. */
export const isFirstInLine = ({ waitingSince }: GateItem, generation: Pick<Generation, 'createdAt' | 'id'>) =>
  waitingSince === undefined || waitingSince > queueKey(generation);

export const hasLaterOwner = ({ takenAt }: GateItem, { id, revision }: SlotOwner) =>
  (takenAt.get(id) ?? 0) > revision;

// Conditions on the stored item. Each is one group.

/** DynamoDB stores no empty set. */
export const hasFewer = (set: 'slots' | 'unanswered', than: string) =>
  `attribute_not_exists(#${set}) OR size(#${set}) < ${than}`;
export const hasAtMost = (set: 'slots' | 'unanswered', most: string) =>
  `attribute_not_exists(#${set}) OR size(#${set}) <= ${most}`;

/** A refusal shuts the gate only while a slot is held: the end of that holder's task opens it. */
export const IS_OPEN = anyOf(
  'attribute_not_exists(#pausedUntil)',
  '#pausedUntil <= :now',
  'attribute_not_exists(#slots)',
);
export const IS_FIRST_IN_LINE = 'attribute_not_exists(#waitingSince) OR #waitingSince > :queueKey';
/** `limit` and `limitSeenAt` are written together. */
export const HAS_LIMIT = '#limitSeenAt > :forget';
export const HAS_NO_LIMIT = 'attribute_not_exists(#limitSeenAt) OR #limitSeenAt <= :forget';
export const HOLDS_SLOT = 'contains(#slots, :me)';
/** No later owner has taken the slot. */
export const isLatest = (owner: SlotOwner) =>
  anyOf(`attribute_not_exists(#${takenBy(owner)})`, `#${takenBy(owner)} <= :revision`);

// Parts of a write.

export const ownerValues = ({ id, revision }: SlotOwner) => ({ ':id': new Set([id]), ':revision': revision });

/**
 * Signs a slot with the revision that takes it. The first holder of an attempt need not sign. Always written together
 * with the slot, so that there are never more signatures than slots.
 */
export const signature = ({ attempt, trouble, ...owner }: Generation, isAgain: boolean) =>
  isAgain || attempt > 1 || trouble !== undefined ? [`#${takenBy(owner)} = :revision`] : [];

export const setting = (assigned: readonly string[]) =>
  assigned.length > 0 ? [`SET ${assigned.join(', ')}`] : [];

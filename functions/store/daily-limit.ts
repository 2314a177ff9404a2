import { randomUUID } from 'node:crypto';
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { STORED_VERSION } from './stored-version.ts';

/**
 * Counts what a deployment accepts on one day (UTC), as one item a day. Whoever dies between counting and accepting
 * leaves a count behind: the limit is then reached earlier, and never later.
 */
export interface DailyLimit {
  /**
   * Counts `count` new ones, all or none.
   * @param name - Counted once, however often it is asked for on one day.
   */
  take(count: number, name?: string): Promise<Taken>;
  /** Takes back one that did not become a new one after all. */
  giveBack(taken: Extract<Taken, { kind: 'taken' }>): Promise<void>;
}

export type Taken =
  | { readonly kind: 'taken'; readonly day: string }
  /** `left` are too few; the next day begins at `opensAt`. */
  | { readonly kind: 'full'; readonly limit: number; readonly left: number; readonly opensAt: Timestamp };

const DAY_MS = 86_400_000;
const ACCEPTED = 'accepted';
/** Before the name, for an attribute of the day's item: counted, and not yet noted in an item of its own. */
const MARK = 'name#';
/** Marks that processes left behind when they died are noted by others once there are more: the item stays small. */
const MOST_MARKS = 20;

/** The day's item, and what one writer of it needs to know. */
interface Day {
  readonly accepted: number;
  /** What was counted and is not yet noted, by name. */
  readonly marks: ReadonlyMap<string, string>;
  /** Names that an earlier release counted, which kept them all in this item. */
  readonly once: ReadonlySet<string>;
}

/**
 * A name is counted in two writes, and once:
 * 1. The day's item: the count goes up and, in the same write, the name is marked with a token of this count.
 * 2. An item of the name's own keeps that token, for the day. Then the mark goes.
 * Between the two, whoever asks for the name finds the mark and goes on from there. Whoever looked for the item before
 * it stood, and counts after the mark went, finds another token in the item, and takes the second count back: the mark
 * goes in the same write, so that this happens once, too.
 */
export function createDailyLimit(
  { client, tableName }: Table,
  { limit, clock = () => new Date() }: { readonly limit: number; readonly clock?: Clock },
): DailyLimit {
  const keyOf = (day: string, sort = ACCEPTED) => ({ pk: `day#${day}`, sk: sort });
  // Nobody asks for a day that is over.
  const expiryOf = (day: string) => (Date.parse(day) + 3 * DAY_MS) / 1_000;

  async function read(day: string, sort?: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: marshall(keyOf(day, sort)),
        ConsistentRead: true,
      }),
    );
    return Item && unmarshall(Item);
  }

  /** @returns The day's item as it is now, or `undefined` when the condition did not hold. */
  async function update(
    day: string,
    expression: string,
    condition: string | undefined,
    {
      names,
      values,
    }: {
      readonly names: Readonly<Record<string, string>>;
      readonly values: Readonly<Record<string, unknown>>;
    },
  ): Promise<Day | undefined> {
    try {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: marshall(keyOf(day)),
          UpdateExpression: expression,
          ...(condition !== undefined && { ConditionExpression: condition }),
          ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
          ExpressionAttributeValues: marshall(values),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return toDay(unmarshall(Attributes));
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }

  /** Counts, and marks the name, in one write: also when its answer is lost and it is sent again. */
  function count(day: string, by: number, name?: string, token = ''): Promise<Day | undefined> {
    const conditions = [
      ...(by > 0 ? ['(attribute_not_exists(accepted) OR accepted <= :room)'] : []),
      ...(name === undefined
        ? []
        : ['attribute_not_exists(#mark) AND (attribute_not_exists(once) OR NOT contains(once, :name))']),
    ];
    return update(
      day,
      `SET version = :version, expiresAtSeconds = :expires${name === undefined ? '' : ', #mark = :token'} ADD accepted :by`,
      conditions.length > 0 ? conditions.join(' AND ') : undefined,
      {
        names: name === undefined ? {} : { '#mark': `${MARK}${name}` },
        values: {
          ':version': STORED_VERSION,
          ':expires': expiryOf(day),
          ':by': by,
          ...(by > 0 && { ':room': limit - by }),
          ...(name !== undefined && { ':name': name, ':token': token }),
        },
      },
    );
  }

  /** Takes the mark away, and with it what was counted by it when the name had been counted before. */
  async function unmark(day: string, name: string, token: string, isSurplus: boolean): Promise<void> {
    await update(day, isSurplus ? 'REMOVE #mark ADD accepted :by' : 'REMOVE #mark', '#mark = :token', {
      names: { '#mark': `${MARK}${name}` },
      values: { ':token': token, ...(isSurplus && { ':by': -countOf(token) }) },
    });
  }

  /** Notes what was counted for a name; whoever finds the mark may do it. */
  async function note(day: string, name: string, token: string): Promise<void> {
    await unmark(day, name, token, !(await keep(day, name, token)));
  }

  /** @returns Whether this count is the name's: false when another stands. */
  async function keep(day: string, name: string, token: string): Promise<boolean> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            ...keyOf(day, onceSort(name)),
            version: STORED_VERSION,
            token,
            expiresAtSeconds: expiryOf(day),
          }),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
      return true;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return (await read(day, onceSort(name)))?.token === token;
    }
  }

  return {
    async take(wanted, name) {
      const day = timestamp(clock()).slice(0, 10);
      const taken = { kind: 'taken', day } as const;
      if (name !== undefined && (await read(day, onceSort(name))) !== undefined) return taken;
      const token = `${wanted} ${randomUUID()}`;
      const counted = await count(day, wanted, name, token);
      if (counted !== undefined) {
        const left = counted.marks.size > MOST_MARKS ? counted.marks : new Map<string, string>();
        const marks = name === undefined ? left : new Map([...left, [name, token]]);
        for (const [marked, its] of marks) await note(day, marked, its);
        return taken;
      }
      const { accepted, marks, once } = toDay(await read(day));
      if (name !== undefined) {
        const mark = marks.get(name);
        if (mark !== undefined) await note(day, name, mark);
        // The item may have come since it was looked for.
        if (mark !== undefined || once.has(name) || (await read(day, onceSort(name))) !== undefined)
          return taken;
      }
      const left = Math.max(0, limit - accepted);
      return { kind: 'full', limit, left, opensAt: timestamp(Date.parse(day) + DAY_MS) };
    },

    async giveBack({ day }) {
      const name = randomUUID();
      const token = `-1 ${name}`;
      await count(day, -1, name, token);
      await unmark(day, name, token, false);
    },
  };
}

const onceSort = (name: string) => `once#${name}`;
const countOf = (token: string) => Number.parseInt(token, 10);

function toDay(item: Readonly<Record<string, unknown>> = {}): Day {
  const marks = Object.entries(item).flatMap(([attribute, token]) =>
    attribute.startsWith(MARK) ? [[attribute.slice(MARK.length), String(token)] as const] : [],
  );
  return {
    accepted: Number(item.accepted ?? 0),
    marks: new Map(marks),
    once: item.once instanceof Set ? item.once : new Set(),
  };
}

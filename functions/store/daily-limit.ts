import { randomUUID } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { STORED_VERSION } from './stored-version.ts';

/**
 * Counts the generations that a deployment accepts on one day (UTC), in one item a day. A function that is killed between
 * counting and accepting leaves its count behind. Then the limit is reached earlier, never later.
 */
export interface DailyLimit {
  /**
   * Counts new generations, all of them or none.
   * @param name - Names the group. Repeating the call on the same day counts the group once.
   */
  count(generations: number, name?: string): Promise<Counted>;
  /** Finds out whether `count` would refuse this many now. Counts nothing. @returns `undefined` if it would not. */
  find(generations: number): Promise<Extract<Counted, { kind: 'full' }> | undefined>;
  /** Takes one back that did not become a new generation. */
  giveBack(counted: Extract<Counted, { kind: 'counted' }>): Promise<void>;
}

export type Counted =
  | { readonly kind: 'counted'; readonly day: string }
  /** Nothing was counted: only `left` fit in. The next day begins at `opensAt`. */
  | { readonly kind: 'full'; readonly limit: number; readonly left: number; readonly opensAt: Timestamp };

const DAY_MS = 86_400_000;
const ACCEPTED = 'accepted';
/** Begins the name of an attribute in the day's item: this group is counted, and has no item of its own yet. */
const MARK = 'name#';
/** Killed functions leave marks behind. Once there are more, others clear them, so that the item stays small. */
const MOST_MARKS = 20;

/** The day's item. */
interface Day {
  readonly accepted: number;
  /** Groups that are counted and have no item of their own yet: name to token. */
  readonly marks: ReadonlyMap<string, string>;
  /** Names that an earlier release counted. It kept all of them in this item. */
  readonly once: ReadonlySet<string>;
}

/**
 * A group is counted once, in three writes:
 * 1. The day's item: the count goes up, and the same write marks the name with a token.
 * 2. The name's own item: it keeps the token for the day.
 * 3. The day's item: the mark goes.
 * A call that comes between 1 and 3 finds the mark and continues from there. A call may also look for the name's item
 * before 2 and count after 3. It then finds another token in that item. So it takes its own count back, in the write
 * that removes its mark. That makes taking back happen once, too.
 */
export function createDailyLimit(
  { client, tableName }: Table,
  { limit, clock = () => new Date() }: { readonly limit: number; readonly clock?: Clock },
): DailyLimit {
  const keyOf = (day: string, sort = ACCEPTED) => ({ pk: `day#${day}`, sk: sort });
  // Past days are not read.
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

  /** @returns The day's item after the write; `undefined` if the condition is not met. */
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

  /** Counts and marks the name in one write. So a repeat after a lost answer does not count twice. */
  function add(day: string, by: number, name?: string, token = ''): Promise<Day | undefined> {
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

  /** Removes the mark. A surplus count, of a name that was counted before, goes with it. */
  async function unmark(day: string, name: string, token: string, isSurplus: boolean): Promise<void> {
    await update(day, isSurplus ? 'REMOVE #mark ADD accepted :by' : 'REMOVE #mark', '#mark = :token', {
      names: { '#mark': `${MARK}${name}` },
      values: { ':token': token, ...(isSurplus && { ':by': -countOf(token) }) },
    });
  }

  /** Turns the mark of a name into an item of its own. Any caller that finds the mark may do it. */
  async function settle(day: string, name: string, token: string): Promise<void> {
    await unmark(day, name, token, !(await keep(day, name, token)));
  }

  /** @returns Whether this token counts for the name. `false` if another one came first. */
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

  const full = (day: string, accepted: number) => ({
    kind: 'full' as const,
    limit,
    left: Math.max(0, limit - accepted),
    opensAt: timestamp(Date.parse(day) + DAY_MS),
  });

  return {
    async count(generations, name) {
      const day = timestamp(clock()).slice(0, 10);
      const done = { kind: 'counted', day } as const;
      if (name !== undefined && (await read(day, onceSort(name))) !== undefined) return done;
      const token = `${generations} ${randomUUID()}`;
      // The first group of a day finds no count that could refuse it.
      const added = generations > limit ? undefined : await add(day, generations, name, token);
      if (added !== undefined) {
        const { marks } = added;
        for (const [marked, itsToken] of marks)
          if (itsToken === token || marks.size > MOST_MARKS) await settle(day, marked, itsToken);
        return done;
      }
      const { accepted, marks, once } = toDay(await read(day));
      if (name !== undefined) {
        const mark = marks.get(name);
        if (mark !== undefined) await settle(day, name, mark);
        // The name's item may have been written since the first look.
        if (mark !== undefined || once.has(name) || (await read(day, onceSort(name))) !== undefined)
          return done;
      }
      return full(day, accepted);
    },

    async find(generations) {
      const day = timestamp(clock()).slice(0, 10);
      const { accepted } = toDay(await read(day));
      return accepted + generations > limit ? full(day, accepted) : undefined;
    },

    async giveBack({ day }) {
      const name = randomUUID();
      const token = `-1 ${name}`;
      await add(day, -1, name, token);
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

import { randomUUID } from 'node:crypto';
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
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

export function createDailyLimit(
  { client, tableName }: Table,
  { limit, clock = () => new Date() }: { readonly limit: number; readonly clock?: Clock },
): DailyLimit {
  const keyOf = (day: string) => marshall({ pk: `day#${day}`, sk: 'accepted' });

  /** One conditional write; with a name it is made once, also when its answer is lost and it is sent again. */
  async function count(day: string, by: number, name: string | undefined): Promise<boolean> {
    const conditions = [
      ...(by > 0 ? ['(attribute_not_exists(accepted) OR accepted <= :room)'] : []),
      ...(name === undefined ? [] : ['(attribute_not_exists(once) OR NOT contains(once, :name))']),
    ];
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: keyOf(day),
          UpdateExpression: `SET version = :version, expiresAtSeconds = :expires ADD accepted :by${name === undefined ? '' : ', once :names'}`,
          ConditionExpression: conditions.join(' AND '),
          ExpressionAttributeValues: marshall({
            ':version': STORED_VERSION,
            // Nobody asks for a day that is over.
            ':expires': (Date.parse(day) + 3 * DAY_MS) / 1_000,
            ':by': by,
            ...(by > 0 && { ':room': limit - by }),
            ...(name !== undefined && { ':name': name, ':names': new Set([name]) }),
          }),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  return {
    async take(wanted, name) {
      const day = timestamp(clock()).slice(0, 10);
      if (await count(day, wanted, name)) return { kind: 'taken', day };
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: keyOf(day), ConsistentRead: true }),
      );
      const { accepted = 0, once = new Set() } = Item === undefined ? {} : unmarshall(Item);
      if (name !== undefined && once.has(name)) return { kind: 'taken', day };
      const left = Math.max(0, limit - accepted);
      return { kind: 'full', limit, left, opensAt: timestamp(Date.parse(day) + DAY_MS) };
    },

    async giveBack({ day }) {
      await count(day, -1, randomUUID());
    },
  };
}

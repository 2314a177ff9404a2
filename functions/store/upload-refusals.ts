import { randomUUID } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand } from '../aws/dynamodb.ts';
import { after, type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { STORED_VERSION } from './stored-version.ts';

/** Remembers that a deployment's Wiro project refuses every upload. */
export interface UploadRefusals {
  /**
   * Whether refusals are noted. A container asks the table once, and then keeps the answer.
   * @param afresh - Asks the table again, unless this container has the note already.
   */
  areNoted(afresh?: boolean): Promise<boolean>;
  /**
   * Notes that uploads are refused.
   * @returns Whether this is the first note. Of several concurrent or repeated notes, one gets `true`.
   */
  note(): Promise<boolean>;
}

const KEY = { pk: 'uploads', sk: 'refused' } as const;

export function createUploadRefusals(
  { client, tableName }: Table,
  { keepMs, clock = () => new Date() }: { readonly keepMs: number; readonly clock?: Clock },
): UploadRefusals {
  let isRead = false;
  let endsAt: Timestamp | undefined;

  /** @returns The id of the note. */
  async function read(): Promise<unknown> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: marshall(KEY), ConsistentRead: true }),
    );
    const item = Item && unmarshall(Item);
    endsAt = item && String(item.endsAt);
    isRead = true;
    return item?.by;
  }

  const isNotedHere = () => endsAt !== undefined && endsAt > timestamp(clock());

  return {
    async areNoted(afresh = false) {
      if (!isRead || (afresh && !isNotedHere())) await read();
      return isNotedHere();
    },

    async note() {
      const now = timestamp(clock());
      const by = randomUUID();
      endsAt = after(now, keepMs);
      isRead = true;
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: marshall({
              ...KEY,
              version: STORED_VERSION,
              by,
              endsAt,
              expiresAtSeconds: Math.ceil(Date.parse(endsAt) / 1_000) + 86_400,
            }),
            ConditionExpression: 'attribute_not_exists(pk) OR endsAt <= :now',
            ExpressionAttributeValues: marshall({ ':now': now }),
          }),
        );
        return true;
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        // The SDK may have repeated our own write after a lost answer. That looks the same.
        return (await read()) === by;
      }
    },
  };
}

import { randomUUID } from 'node:crypto';
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { after, type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { STORED_VERSION } from './stored-version.ts';

/** What a deployment remembers of its Wiro project: that it refuses uploads, whatever is uploaded. */
export interface UploadRefusals {
  /**
   * Whether that is known. A container asks the table once, and then goes by what it heard.
   * @param afresh - Asks the table again, unless it is known here.
   */
  areKnown(afresh?: boolean): Promise<boolean>;
  /** @returns Whether it is news: of several at once, and of repeats, one gets `true`. */
  note(): Promise<boolean>;
}

const KEY = { pk: 'uploads', sk: 'refused' } as const;

export function createUploadRefusals(
  { client, tableName }: Table,
  { keepMs, clock = () => new Date() }: { readonly keepMs: number; readonly clock?: Clock },
): UploadRefusals {
  let isRead = false;
  let endsAt: Timestamp | undefined;

  /** @returns Who noted it. */
  async function read(): Promise<unknown> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: marshall(KEY), ConsistentRead: true }),
    );
    const item = Item && unmarshall(Item);
    endsAt = item && String(item.endsAt);
    isRead = true;
    return item?.by;
  }

  const isKnownHere = () => endsAt !== undefined && endsAt > timestamp(clock());

  return {
    async areKnown(afresh = false) {
      if (!isRead || (afresh && !isKnownHere())) await read();
      return isKnownHere();
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
        // A lost answer of our own write looks the same.
        return (await read()) === by;
      }
    },
  };
}

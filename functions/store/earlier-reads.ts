import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Output } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import { partition } from './attempt-notes.ts';
import type { Table } from './dynamodb.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/** What an output was when it was read, where it was not what Wiro's record says: it is kept once it is so again. */
export interface EarlierRead {
  /** As it stands in the output bucket. */
  readonly output: Output;
  /** A strong one. */
  readonly etag?: string;
  readonly readAt: Timestamp;
  /** Two reads have come to the same: it need not be read again. */
  readonly isKept: boolean;
}

/** By the output's place in its task's list. Each is an item beside the state, which has no room for them. */
export interface EarlierReads {
  read(id: string, attempt: number, index: number): Promise<EarlierRead | undefined>;
  put(id: string, attempt: number, index: number, read: EarlierRead): Promise<void>;
}

export function createEarlierReads({ client, tableName: TableName }: Table): EarlierReads {
  const keyOf = (id: string, attempt: number, index: number) => ({
    pk: partition(id),
    sk: `earlier#${attempt}#${index}`,
  });
  return {
    async read(id, attempt, index) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: marshall(keyOf(id, attempt, index)), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const { body } = readable(unmarshall(Item), `an output of ${id}`);
      return JSON.parse(String(body)) as EarlierRead;
    },

    async put(id, attempt, index, read) {
      const content = { version: STORED_VERSION, body: JSON.stringify(read) };
      const Item = marshall({ ...keyOf(id, attempt, index), ...content });
      await client.send(new PutItemCommand({ TableName, Item }));
    },
  };
}

import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand } from '../aws/dynamodb.ts';
import type { Output } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import type { Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/** An output as it was read, if it differs from Wiro's record. A second read with the same result confirms it. */
export interface EarlierRead {
  /** The copy in the output bucket. */
  readonly output: Output;
  /** A strong ETag. */
  readonly etag?: string;
  readonly readAt: Timestamp;
  /** Two reads gave the same result: no further read is needed. */
  readonly isKept: boolean;
}

/** Earlier reads by the output's index in its task's list. Each is an item of its own: the state stays small. */
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

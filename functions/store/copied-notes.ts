import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand } from '../aws/dynamodb.ts';
import type { Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/** An output that was copied in parts. S3 has no SHA-256 of such an object, so the note keeps it. */
export interface CopiedNote {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly crc32: string;
}

export interface CopiedNotes {
  read(id: string, attempt: number, index: number): Promise<CopiedNote | undefined>;
  write(id: string, attempt: number, index: number, note: CopiedNote): Promise<void>;
}

/** Keeps a note of each output that is copied, in an item of its own. */
export function createCopiedNotes({ client, tableName }: Table): CopiedNotes {
  const keyOf = (id: string, attempt: number, index: number) => ({
    pk: partition(id),
    sk: `copied#${attempt}#${index}`,
  });
  return {
    async read(id, attempt, index) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: marshall(keyOf(id, attempt, index)) }),
      );
      if (Item === undefined) return undefined;
      const { body } = readable(unmarshall(Item), `an output of ${id}`);
      return JSON.parse(String(body)) as CopiedNote;
    },

    async write(id, attempt, index, { bucket, key, contentType, sizeBytes, sha256, crc32 }) {
      const body = JSON.stringify({ bucket, key, contentType, sizeBytes, sha256, crc32 });
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({ ...keyOf(id, attempt, index), version: STORED_VERSION, body }),
        }),
      );
    },
  };
}

import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Timestamp } from '../generation/time.ts';
import type { Table } from './dynamodb.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/**
 * What is counted over all rounds of one attempt. It lies beside the state, in an item of its own: the state stays
 * under 1 KB, and an older release, which would drop an attribute that it does not know, leaves this item alone.
 */
export interface AttemptNotes {
  /** When this attempt first joined the line for a slot. */
  readonly joinedLineAt?: Timestamp;
}

export interface AttemptNotesStore {
  /** @returns Empty notes where nothing was noted yet. */
  read(id: string, attempt: number): Promise<AttemptNotes>;
  /** Notes when an attempt joined the line; a repeat changes nothing. */
  joinedLine(id: string, attempt: number, now: Timestamp): Promise<AttemptNotes>;
}

/** Notes are written before the write of the state that they explain, so that a crash in between loses none. */
export function createAttemptNotesStore({ client, tableName }: Table): AttemptNotesStore {
  const keyOf = (id: string, attempt: number) => marshall({ pk: partition(id), sk: notesSort(attempt) });

  return {
    async read(id, attempt) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: keyOf(id, attempt), ConsistentRead: true }),
      );
      return toNotes(Item && readable(unmarshall(Item), `the notes of ${id}`));
    },

    async joinedLine(id, attempt, now) {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: keyOf(id, attempt),
          UpdateExpression: 'SET joinedLineAt = if_not_exists(joinedLineAt, :now), version = :version',
          ExpressionAttributeValues: marshall({ ':now': now, ':version': STORED_VERSION }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return toNotes(unmarshall(Attributes));
    },
  };
}

/** The partition of everything that belongs to one generation. */
export const partition = (id: string) => `generation#${id}`;

export const notesSort = (attempt: number) => `notes#${attempt}`;

/** The notes in a stored item, or empty ones. */
export function toNotes(item: Readonly<Record<string, unknown>> = {}): AttemptNotes {
  const { pk: _, sk: __, version: ___, ...notes } = item;
  return notes;
}

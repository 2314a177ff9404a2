import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import type { OtherHandover } from '../generation/handover.ts';
import type { Timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/**
 * Counters over all rounds of one attempt, in an item beside the state. So the state stays under 1 KB. An older release
 * drops state attributes that it does not know, but leaves this item alone.
 */
export interface AttemptNotes {
  /** When this attempt first joined the line for a slot. */
  readonly joinedLineAt?: Timestamp;
  /** Runs whose answers were lost. */
  readonly lostRuns?: LostRuns;
  /** Wiro's latest refusal, if neither its code nor its text says that it is permanent. */
  readonly refusal?: Refusal;
  /** The task's status is `task_error`, or it was stopped for that. */
  readonly taskError?: TaskError;
  /** Functions that ended without giving their claim back. */
  readonly deaths?: Deaths;
  /** How inputs go to Wiro if its project refuses uploads. */
  readonly handover?: OtherHandover;
  /** The end of this attempt is being announced. */
  readonly telling?: Telling;
}

/** Where an end is announced: the event bus, the results file of a request file, or beside a dropped file's outputs. */
export type Sink = 'bus' | 'results' | 'folder';

export interface Telling {
  /** Sinks that have the end already. A failing sink does not repeat it there. */
  readonly done: readonly Sink[];
  /** Since when a sink has been failing. */
  readonly failsSince?: Timestamp;
}

export interface LostRuns {
  /** When the first of them was marked. All lost Runs together have one patience. */
  readonly since: Timestamp;
  readonly count: number;
  /** When the latest was marked. */
  readonly latest: Timestamp;
}

export interface Refusal {
  readonly text: string;
  /** The marks of the first and the latest Run that was refused with this text. */
  readonly since: Timestamp;
  readonly latest: Timestamp;
  /** How many Runs in a row were refused with this text. */
  readonly count: number;
}

export interface TaskError {
  /** When this status was seen first. */
  readonly since: Timestamp;
  /** The first reason that Wiro gave. */
  readonly text?: string;
  /** When Wiro was asked to stop the task for it. */
  readonly stoppedAt?: Timestamp;
}

export interface Deaths {
  /** How many died in a row without one more output or upload. */
  readonly count: number;
  readonly during: 'submitting' | 'collecting';
  /** The last holder that died. Each is counted once. */
  readonly holder: string;
  /** How many outputs or uploads were seen at most. */
  readonly progress: number;
}

export interface AttemptNotesStore {
  /** @returns Empty notes if nothing is noted yet. */
  read(id: string, attempt: number): Promise<AttemptNotes>;
  /** Notes when an attempt joined the line. A repeat changes nothing. */
  joinedLine(id: string, attempt: number, now: Timestamp): Promise<AttemptNotes>;
  /**
   * Changes notes: reads, decides, and writes on condition that nothing changed in between. If something did, decides
   * again.
   * @param decide - Returns the notes to change, `null` for a note to remove, or `undefined` if nothing changes. It is
   *   called again if the answer to a write was lost. So it must count each event by a name, and only once.
   * @returns The notes after the change.
   */
  change(
    id: string,
    attempt: number,
    decide: (notes: AttemptNotes) => NotesChange | undefined,
  ): Promise<AttemptNotes>;
}

export type NotesChange = { readonly [Name in keyof AttemptNotes]?: AttemptNotes[Name] | null };

/** Enough: few functions work on one attempt at once. */
const MOST_TRIES = 10;

/** Notes are written before the state that they explain, so that a crash in between loses none. */
export function createAttemptNotesStore({ client, tableName }: Table): AttemptNotesStore {
  const keyOf = (id: string, attempt: number) => marshall({ pk: partition(id), sk: notesSort(attempt) });

  async function readItem(id: string, attempt: number): Promise<Readonly<Record<string, unknown>>> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: keyOf(id, attempt), ConsistentRead: true }),
    );
    return Item === undefined ? {} : readable(unmarshall(Item), `the notes of ${id}`);
  }

  /** @returns Whether it was written. If not, another change came in between. */
  async function write(
    id: string,
    attempt: number,
    change: NotesChange,
    changes: number | undefined,
  ): Promise<boolean> {
    const entries = Object.entries(change);
    const set = entries.filter(([, value]) => value !== null);
    const gone = entries.filter(([, value]) => value === null);
    const assigned = [
      '#changes = :next',
      '#version = :version',
      ...set.map(([name]) => `#${name} = :${name}`),
    ];
    const removed = gone.length > 0 ? ` REMOVE ${gone.map(([name]) => `#${name}`).join(', ')}` : '';
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: keyOf(id, attempt),
          UpdateExpression: `SET ${assigned.join(', ')}${removed}`,
          ConditionExpression:
            changes === undefined ? 'attribute_not_exists(#changes)' : '#changes = :changes',
          ExpressionAttributeNames: Object.fromEntries(
            ['changes', 'version', ...entries.map(([name]) => name)].map((name) => [`#${name}`, name]),
          ),
          ExpressionAttributeValues: marshall(
            {
              ':next': (changes ?? 0) + 1,
              ':version': STORED_VERSION,
              ...(changes !== undefined && { ':changes': changes }),
              ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
            },
            { removeUndefinedValues: true },
          ),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  return {
    read: async (id, attempt) => toNotes(await readItem(id, attempt)),

    async change(id, attempt, decide) {
      for (let tries = 1; ; tries += 1) {
        const item = await readItem(id, attempt);
        const notes = toNotes(item);
        const change = decide(notes);
        if (change === undefined) return notes;
        const changes = typeof item.changes === 'number' ? item.changes : undefined;
        if (await write(id, attempt, change, changes)) {
          const next = { ...notes, ...change };
          return toNotes(Object.fromEntries(Object.entries(next).filter(([, value]) => value !== null)));
        }
        if (tries === MOST_TRIES)
          throw new Error(
            `Cannot change the notes of ${id}: others changed them ${MOST_TRIES} times in between`,
          );
      }
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

export const notesSort = (attempt: number) => `notes#${attempt}`;

/** Reads the notes in a stored item. Without one, they are empty. */
export function toNotes(item: Readonly<Record<string, unknown>> = {}): AttemptNotes {
  const { pk: _, sk: __, version: ___, changes: ____, ...notes } = item;
  return notes;
}

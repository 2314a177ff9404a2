import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { OtherHandover } from '../generation/handover.ts';
import type { Timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/**
 * What is counted over all rounds of one attempt. It lies beside the state, in an item of its own: the state stays
 * under 1 KB, and an older release, which would drop an attribute that it does not know, leaves this item alone.
 */
export interface AttemptNotes {
  /** When this attempt first joined the line for a slot. */
  readonly joinedLineAt?: Timestamp;
  /** Runs whose answer was lost. */
  readonly lostRuns?: LostRuns;
  /** The refusal that Wiro gave last without saying by its code or text that it is one for good. */
  readonly refusal?: Refusal;
  /** The task stands at `task_error`, or was stopped there. */
  readonly taskError?: TaskError;
  /** Functions that ended without letting go of their claim. */
  readonly deaths?: Deaths;
  /** How inputs went to Wiro, where its project refuses uploads. */
  readonly handover?: OtherHandover;
  /** The end of this attempt is being told. */
  readonly telling?: Telling;
}

/** Where something is told: on the event bus, in the results file of a request file, beside a dropped file's outputs. */
export type Sink = 'bus' | 'results' | 'folder';

export interface Telling {
  /** Who has taken the end: it is not told there again because another fails. */
  readonly done: readonly Sink[];
  /** Since when something could not be told. */
  readonly failsSince?: Timestamp;
}

export interface LostRuns {
  /** When the first of them was marked: all of them together have one patience. */
  readonly since: Timestamp;
  readonly count: number;
  /** When the latest was marked. */
  readonly latest: Timestamp;
}

export interface Refusal {
  readonly text: string;
  /** When the Run was marked that was refused with this text first, and last. */
  readonly since: Timestamp;
  readonly latest: Timestamp;
  /** How many Runs were refused with it in a row. */
  readonly count: number;
}

export interface TaskError {
  /** Since when it has stood there, as far as was seen. */
  readonly since: Timestamp;
  /** Wiro's first account of why. */
  readonly text?: string;
  /** When it was asked to stop for it. */
  readonly stoppedAt?: Timestamp;
}

export interface Deaths {
  /** In a row, without an output or an upload more than before. */
  readonly count: number;
  readonly during: 'submitting' | 'collecting';
  /** The last holder that died: each is counted once. */
  readonly holder: string;
  /** How many outputs or uploads stood, as far as was seen. */
  readonly progress: number;
}

export interface AttemptNotesStore {
  /** @returns Empty notes where nothing was noted yet. */
  read(id: string, attempt: number): Promise<AttemptNotes>;
  /** Notes when an attempt joined the line; a repeat changes nothing. */
  joinedLine(id: string, attempt: number, now: Timestamp): Promise<AttemptNotes>;
  /**
   * Changes notes: reads, decides, and writes on condition that nobody else did so in between, else decides again.
   * @param decide - Answers what changes, `null` for what goes; `undefined` if nothing does. What it counts, it must
   *   know again by a name of its own: it is asked again where the answer to a write was lost.
   * @returns The notes as they stand then.
   */
  change(
    id: string,
    attempt: number,
    decide: (notes: AttemptNotes) => NotesChange | undefined,
  ): Promise<AttemptNotes>;
}

export type NotesChange = { readonly [Name in keyof AttemptNotes]?: AttemptNotes[Name] | null };

/** Few work on one attempt at once. */
const MOST_TRIES = 10;

/** Notes are written before the write of the state that they explain, so that a crash in between loses none. */
export function createAttemptNotesStore({ client, tableName }: Table): AttemptNotesStore {
  const keyOf = (id: string, attempt: number) => marshall({ pk: partition(id), sk: notesSort(attempt) });

  async function readItem(id: string, attempt: number): Promise<Readonly<Record<string, unknown>>> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: keyOf(id, attempt), ConsistentRead: true }),
    );
    return Item === undefined ? {} : readable(unmarshall(Item), `the notes of ${id}`);
  }

  /** @returns Whether nobody else had changed them in between. */
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
        if (tries === MOST_TRIES) throw new Error(`The notes of ${id} could not be changed`);
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

/** The partition of everything that belongs to one generation. */
export const partition = (id: string) => `generation#${id}`;

export const notesSort = (attempt: number) => `notes#${attempt}`;

/** The notes in a stored item, or empty ones. */
export function toNotes(item: Readonly<Record<string, unknown>> = {}): AttemptNotes {
  const { pk: _, sk: __, version: ___, changes: ____, ...notes } = item;
  return notes;
}

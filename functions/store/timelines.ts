import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import type { Generation } from '../generation/generation.ts';
import { MOST_SHOWN } from '../generation/past-attempts.ts';
import { entriesToNote, TIMELINE_EVENTS, type TimelineEntry } from '../generation/timeline-entries.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import { notesSort, toNotes } from './attempt-notes.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { partition } from './keys.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/** What timelines show beside the record. */
export interface NotedTimeline {
  readonly noted: readonly TimelineEntry[];
  /** How many entries were dropped, because only so many are kept. */
  readonly omitted: number;
}

export interface Timelines {
  /**
   * Notes what a change leaves no other trace of. Best effort: it never throws, and takes half a second at most, so that
   * a slow table does not delay the work. For an end it does nothing.
   */
  note(before: Generation, next: Generation): Promise<void>;
  /** Reads the attempts that a record shows. */
  read(generation: Pick<Generation, 'id' | 'attempt'>): Promise<NotedTimeline>;
}

/** Of one attempt, about. Every entry makes its item larger, and the next one dearer. */
export const MOST_ENTRIES = 100;
const READ_AT_ONCE = 10;
/** Before the first sort key that a record reads: records do not pay for timelines. */
const entriesSort = (attempt: number) => `entries#${attempt}`;
/** Begins the name of an attribute that is an entry. It is named by time and event, so that a repeated write is one entry. */
const ENTRY = 'at#';
/** An item of a newer release is left alone. */
const OURS = '(attribute_not_exists(version) OR version <= :version)';

/** Keeps one item per attempt, which only attempts have that do not go straight to their end. */
export function createTimelines(
  { client, tableName }: Table,
  { patienceMs = 500 }: { readonly patienceMs?: number } = {},
): Timelines {
  async function add(
    { id, attempt }: Generation,
    entries: readonly TimelineEntry[],
    abortSignal: AbortSignal,
  ): Promise<void> {
    const Key = marshall({ pk: partition(id), sk: entriesSort(attempt) });
    const numbered = entries.map(({ at, what, attempt: _, ...rest }, index) => ({
      place: `#e${index} = :e${index}`,
      name: [`#e${index}`, `${ENTRY}${at}#${what}`] as const,
      value: [`:e${index}`, JSON.stringify(rest)] as const,
    }));
    const write = new UpdateItemCommand({
      TableName: tableName,
      Key,
      UpdateExpression: `SET version = :version, ${numbered.map(({ place }) => place).join(', ')} ADD noted :count`,
      ConditionExpression: `${OURS} AND (attribute_not_exists(noted) OR noted < :most)`,
      ExpressionAttributeNames: Object.fromEntries(numbered.map(({ name }) => name)),
      ExpressionAttributeValues: marshall({
        ...Object.fromEntries(numbered.map(({ value }) => value)),
        ':version': STORED_VERSION,
        ':count': entries.length,
        ':most': MOST_ENTRIES,
      }),
    });
    try {
      await client.send(write, { abortSignal });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const count = new UpdateItemCommand({
        TableName: tableName,
        Key,
        UpdateExpression: 'ADD omitted :count',
        ConditionExpression: OURS,
        ExpressionAttributeValues: marshall({ ':count': entries.length, ':version': STORED_VERSION }),
      });
      await client.send(count, { abortSignal });
    }
  }

  async function readItem(id: string, sort: string): Promise<Readonly<Record<string, unknown>>> {
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: marshall({ pk: partition(id), sk: sort }),
        ConsistentRead: true,
      }),
    );
    return Item === undefined ? {} : readable(unmarshall(Item), `the timeline of ${id}`);
  }

  async function readAttempt(id: string, attempt: number): Promise<NotedTimeline> {
    const [entries, notes] = await Promise.all([
      readItem(id, entriesSort(attempt)),
      readItem(id, notesSort(attempt)),
    ]);
    const { joinedLineAt } = toNotes(notes);
    return {
      noted: [
        ...(joinedLineAt === undefined ? [] : [{ at: joinedLineAt, attempt, what: 'line' } as const]),
        ...toEntries(attempt, entries),
      ],
      omitted: Number(entries.omitted ?? 0),
    };
  }

  return {
    async note(before, next) {
      const entries = entriesToNote(before, next);
      if (entries.length === 0) return;
      const signal = AbortSignal.timeout(patienceMs);
      await untilAborted(signal, add(next, entries, signal)).catch(
        logIgnored('the timeline lacks an entry', { generationId: next.id }),
      );
    },

    async read({ id, attempt }) {
      const shown = Math.min(attempt, MOST_SHOWN + 1);
      const attempts = Array.from({ length: shown }, (_, index) => attempt - index);
      const found = await mapLimited(attempts, READ_AT_ONCE, (one) => readAttempt(id, one));
      return {
        noted: found.flatMap(({ noted }) => noted),
        omitted: found.reduce((sum, { omitted }) => sum + omitted, 0),
      };
    },
  };
}

function toEntries(attempt: number, item: Readonly<Record<string, unknown>>): readonly TimelineEntry[] {
  return Object.entries(item).flatMap(([name, rest]) => {
    const [prefix, at = '', event] = name.split('#');
    const what = TIMELINE_EVENTS.find((known) => known === event);
    // A newer release may note more events.
    return `${prefix}#` === ENTRY && what !== undefined
      ? [{ at, attempt, what, ...(JSON.parse(String(rest)) as Partial<TimelineEntry>) }]
      : [];
  });
}

import type { Generation } from '../generation/generation.ts';
import { entriesToNote } from '../generation/timeline-entries.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Table } from './dynamodb.ts';

/**
 * Creates a function that notes for the timeline what a change leaves nowhere else. Few changes need it: the code that
 * writes is loaded with the first of them. Best effort: it never throws.
 */
export const createTimelineNotes =
  (table: Table) =>
  async (before: Generation, next: Generation): Promise<void> => {
    if (entriesToNote(before, next).length > 0)
      await note(table, before, next).catch(
        logIgnored('the timeline lacks an entry', { generationId: next.id }),
      );
  };

async function note(table: Table, before: Generation, next: Generation): Promise<void> {
  const { createTimelines } = await import('./timelines.ts');
  await createTimelines(table).note(before, next);
}

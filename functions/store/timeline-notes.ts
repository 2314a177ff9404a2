import type { Generation } from '../generation/generation.ts';
import { entriesToNote } from '../generation/timeline-entries.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Table } from './dynamodb.ts';

/**
 * Creates a function that notes for the timeline what a change leaves nowhere else. Few changes need it: the code that
 * writes is loaded with the first of them. Best effort: it never throws.
 */
export function createTimelineNotes(table: Table, load = () => import('./timelines.ts')) {
  async function note(before: Generation, next: Generation): Promise<void> {
    const { createTimelines } = await load();
    await createTimelines(table).note(before, next);
  }

  return async (before: Generation, next: Generation): Promise<void> => {
    if (entriesToNote(before, next).length > 0)
      await note(before, next).catch(logIgnored('the timeline lacks an entry', { generationId: next.id }));
  };
}

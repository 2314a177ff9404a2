import { noteChange } from '../events/note-change.ts';
import { createGenerationStore, type GenerationStore, type Overflow } from '../store/generation-store.ts';
import { createTimelineNotes } from '../store/timeline-notes.ts';
import type { Deployment } from './deployment.ts';

/**
 * Creates this deployment's store of generations. The log and the metrics count every change.
 * @param overflow - Stores requests too large for the table. The one of `reconcile` loads the S3 client on first use.
 */
export const createDeploymentGenerations = (
  { table, dueShards }: Pick<Deployment, 'table' | 'dueShards'>,
  overflow: Overflow,
): GenerationStore =>
  createGenerationStore(table, {
    overflow,
    dueShards,
    onChange: noteChange,
    noteChange: createTimelineNotes(table),
  });

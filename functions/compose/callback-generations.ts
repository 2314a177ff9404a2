import { createGenerationStore, type GenerationStore } from '../store/generation-store.ts';
import { createTimelines } from '../store/timelines.ts';
import type { Deployment } from './deployment.ts';

/**
 * Creates the store of generations for receiving callbacks. It notes repeated callbacks for timelines and does not wait
 * for these notes, because Wiro waits for its answer. Starting to collect follows, and takes longer as a rule. If it does
 * not, Lambda may freeze the function before a note is sent.
 */
export function createCallbackGenerations({
  table,
  dueShards,
}: Pick<Deployment, 'table' | 'dueShards'>): GenerationStore {
  const timelines = createTimelines(table);
  return createGenerationStore(table, {
    dueShards,
    noteChange: (before, next) => void timelines.note(before, next),
  });
}

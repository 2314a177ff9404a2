import type { Generation } from '../generation/generation.ts';
import { type CallbackNotes, createCallbackNotes } from '../store/callback-notes.ts';
import { createGenerationStore, type GenerationStore } from '../store/generation-store.ts';
import { createTimelines } from '../store/timelines.ts';
import type { Deployment } from './deployment.ts';

/**
 * Creates the stores for receiving callbacks. They note repeated callbacks for timelines and do not wait for these notes,
 * because Wiro waits for its answer. Starting to collect follows, and takes longer as a rule. If it does not, Lambda may
 * freeze the function before a note is sent.
 */
export function createCallbackStores({ table, dueShards }: Pick<Deployment, 'table' | 'dueShards'>): {
  readonly generations: GenerationStore;
  readonly callbacks: CallbackNotes;
} {
  const timelines = createTimelines(table);
  const noteChange = (before: Generation, next: Generation) => void timelines.note(before, next);
  return {
    generations: createGenerationStore(table, { dueShards, noteChange }),
    callbacks: createCallbackNotes(table, { dueShards, noteChange }),
  };
}

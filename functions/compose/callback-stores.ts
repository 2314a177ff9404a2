import type { Generation } from '../generation/generation.ts';
import { type CallbackNotes, createCallbackNotes } from '../store/callback-notes.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { createTimelineNotes } from '../store/timeline-notes.ts';
import type { Deployment } from './deployment.ts';

/**
 * Creates the stores for receiving callbacks. What only repeated and late callbacks need is loaded with the first of them.
 *
 * The stores note repeated callbacks for timelines and do not wait for these notes, because Wiro waits for its answer.
 * Starting to collect follows, and takes longer as a rule. If it does not, Lambda may freeze the function before a note is
 * sent.
 */
export function createCallbackStores({ table, dueShards }: Pick<Deployment, 'table' | 'dueShards'>): {
  readonly generations: Pick<GenerationStore, 'update'>;
  readonly callbacks: CallbackNotes;
} {
  const note = createTimelineNotes(table);
  const noteChange = (before: Generation, next: Generation) => void note(before, next);
  return {
    generations: {
      update: async (from, decide) => {
        const { createGenerationStore } = await import('../store/generation-store.ts');
        return createGenerationStore(table, { dueShards, noteChange }).update(from, decide);
      },
    },
    callbacks: createCallbackNotes(table, { dueShards, noteChange }),
  };
}

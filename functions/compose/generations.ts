import { noteChange } from '../events/note-change.ts';
import { createGenerationStore, type GenerationStore, type Overflow } from '../store/generation-store.ts';
import type { Deployment } from './deployment.ts';

/**
 * This deployment's generations. The log and the metrics count every change.
 * @param overflow - For requests too large for the table. `reconcile` gives one that loads S3 only when it meets one.
 */
export const createDeploymentGenerations = (
  { table }: Pick<Deployment, 'table'>,
  overflow: Overflow,
): GenerationStore => createGenerationStore(table, { overflow, onChange: noteChange });

import { createQuickInputs } from '../objects/quick-inputs.ts';
import type { InputStore } from '../objects/types.ts';

/** Creates a reader of inputs in their original buckets. It loads the SDK of S3 when it is needed. */
export const createLazyInputs = (): InputStore =>
  createQuickInputs(async () => (await import('./objects.ts')).inputs);

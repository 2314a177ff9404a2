import { headObject } from './head-object.ts';
import type { S3Access } from './object-url.ts';
import type { InputStore } from './types.ts';

/**
 * Creates a reader of inputs that finds what is there with one plain request.
 * @param load - Loads the reader that uses the SDK. It opens objects, and explains every other answer of S3.
 */
export const createQuickInputs = (load: () => Promise<InputStore>, access: S3Access = {}): InputStore => ({
  head: async (ref) => (await headObject(ref, access)) ?? (await load()).head(ref),
  isVersionReadable: async (version) =>
    (await headObject(version, access)) !== undefined || (await load()).isVersionReadable(version),
  open: async (input) => (await load()).open(input),
});

import type { JsonObjects } from '../objects/json-object.ts';
import type { Overflow } from '../store/generation-store.ts';

// The SDK of S3 would cost more at a cold start than the rest of a function: it is loaded when it is needed.
const load = () => import('./objects.ts');

export const lazyJson: JsonObjects = {
  read: async (ref) => (await load()).json.read(ref),
  write: async (ref, value, condition) => (await load()).json.write(ref, value, condition),
  writePage: async (ref, html) => (await load()).json.writePage(ref, html),
  remove: async (ref, etag) => (await load()).json.remove(ref, etag),
  update: async (ref, change) => (await load()).json.update(ref, change),
};

export const lazyOverflow: Overflow = {
  write: async (name, text) => (await load()).overflow.write(name, text),
  read: async (name) => (await load()).overflow.read(name),
};

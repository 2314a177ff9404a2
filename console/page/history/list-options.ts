import type { ListOptions } from '../../../client/index.ts';

/** Reads the filters of the address. What the API does not know, it refuses with a sentence. */
export function listOptions(filters: URLSearchParams): ListOptions {
  const known = Object.fromEntries(
    ['status', 'model', 'origin', 'from', 'to'].flatMap((name) => {
      const value = filters.get(name);
      return value === null || value === '' ? [] : [[name, value]];
    }),
  );
  const labels = [...filters]
    .filter(([name]) => name.startsWith('label.'))
    .map(([name, value]) => [name.slice('label.'.length), value]);
  return { ...(known as Partial<ListOptions>), labels: Object.fromEntries(labels) };
}

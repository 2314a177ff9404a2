/** A part that an answer shows in part. */
export interface Cut {
  /** For example `outputs` or `parameters.prompt`. */
  readonly path: string;
  readonly shown: number;
  readonly total: number;
  readonly unit: 'characters' | 'items' | 'fields';
}

/** More fields than any object of the API has by itself. */
const MOST_FIELDS = 200;

/**
 * Shortens a value of JSON to about `most` characters: long texts and lists lose their ends. Small parts stay whole,
 * whatever is beside them. Reads each part a fixed number of times.
 * @returns The same value if it fits.
 */
export function shortenTo<Value>(
  value: Value,
  most: number,
): { readonly value: Value; readonly cuts: readonly Cut[] } {
  const sizes = new Map<object, number>();
  const cuts: Cut[] = [];

  const sizeOf = (part: unknown): number =>
    typeof part === 'object' && part !== null ? (sizes.get(part) ?? 0) : measure(part, sizes);

  function shorten(part: unknown, budget: number, path: string): unknown {
    if (sizeOf(part) <= budget) return part;
    if (typeof part === 'string') return shortenText(part, budget, path);
    if (typeof part !== 'object' || part === null) return part;
    return Array.isArray(part) ? shortenList(part, budget, path) : shortenFields(part, budget, path);
  }

  function shortenText(text: string, budget: number, path: string): string {
    let left = budget - 3;
    let end = 0;
    for (const letter of text) {
      left -= measure(letter, sizes) - 2;
      if (left < 0) break;
      end += letter.length;
    }
    cuts.push({ path, shown: end, total: text.length, unit: 'characters' });
    return `${text.slice(0, end)}…`;
  }

  function shortenList(list: readonly unknown[], budget: number, path: string): unknown[] {
    const kept: unknown[] = [];
    let left = budget - 2;
    for (const item of list) {
      const size = sizeOf(item) + 1;
      if (size > left && kept.length > 0) break;
      kept.push(shorten(item, left, `${path}.${kept.length}`));
      left -= size;
      if (left <= 0) break;
    }
    if (kept.length < list.length) cuts.push({ path, shown: kept.length, total: list.length, unit: 'items' });
    return kept;
  }

  /** Divides what there is to the gain of the small ones: none gets more than it needs. */
  function shortenFields(part: object, budget: number, path: string): object {
    const all = given(part);
    let left = budget - 2;
    const kept = all.slice(0, MOST_FIELDS).filter(([name]) => {
      const stays = sizeOfName(name) <= Math.min(left, budget / 2);
      if (stays) left -= sizeOfName(name);
      return stays;
    });
    if (kept.length < all.length) cuts.push({ path, shown: kept.length, total: all.length, unit: 'fields' });
    const shares = new Map<string, number>();
    const bySize = kept
      .map(([name, inner]) => ({ name, size: sizeOf(inner) }))
      .sort((one, other) => one.size - other.size);
    for (const [index, { name, size }] of bySize.entries()) {
      const share = Math.min(size, Math.floor(Math.max(0, left) / (bySize.length - index)));
      shares.set(name, share);
      left -= share;
    }
    return Object.fromEntries(
      kept.map(([name, inner]) => [
        name,
        shorten(inner, shares.get(name) ?? 0, path === '' ? name : `${path}.${name}`),
      ]),
    );
  }

  measure(value, sizes);
  return { value: shorten(value, most, '') as Value, cuts };
}

/** Counts the characters of a part, and notes them for each object in it. */
function measure(part: unknown, sizes: Map<object, number>): number {
  if (typeof part !== 'object' || part === null) return (JSON.stringify(part) ?? '').length;
  let size = 2;
  if (Array.isArray(part)) for (const item of part) size += measure(item, sizes) + 1;
  else for (const [name, inner] of given(part)) size += sizeOfName(name) + measure(inner, sizes);
  sizes.set(part, size);
  return size;
}

const given = (part: object): [string, unknown][] =>
  Object.entries(part).filter(([, inner]) => inner !== undefined);

const sizeOfName = (name: string): number => JSON.stringify(name).length + 2;

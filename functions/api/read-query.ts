import { RequestError } from '../generation/errors.ts';
import type { Problems } from '../request/problems.ts';

/** Reads the parameters of a query, and notes unknown and repeated ones as problems. */
export function readQuery(
  query: URLSearchParams | undefined,
  {
    names,
    prefix,
    problems,
  }: {
    readonly names: readonly string[];
    /** Parameters may also start with this and end with a name of the caller's. */
    readonly prefix?: { readonly start: string; readonly shownAs: string };
    readonly problems: Problems;
  },
): ReadonlyMap<string, string> {
  const known = [...names, ...(prefix === undefined ? [] : [prefix.shownAs])].join(', ');
  const found = new Map<string, string>();
  for (const [name, value] of query ?? [])
    problems.check(() => {
      const isNamed =
        prefix !== undefined && name.length > prefix.start.length && name.startsWith(prefix.start);
      if (!isNamed && !names.includes(name))
        throw new RequestError(
          'invalid_parameter',
          `${shortened(name)} is not a query parameter here. Use ${known}.`,
          name,
        );
      if (found.has(name))
        throw new RequestError(
          'invalid_parameter',
          `${shortened(name)} is given more than once. Give each query parameter once.`,
          name,
        );
      found.set(name, value);
    });
  return found;
}

/** Reads a whole number of a query, from 1 to `most`. */
export function readLimit(
  text: string | undefined,
  { most, usual }: { most: number; usual: number },
): number {
  if (text === undefined) return usual;
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= most) return number;
  throw new RequestError('invalid_parameter', `limit must be a whole number from 1 to ${most}.`, 'limit');
}

const shortened = (name: string) => (name.length > 64 ? `${name.slice(0, 64)}…` : name);

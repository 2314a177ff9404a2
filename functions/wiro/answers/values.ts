/** Readers of Wiro's values. A number may come as a string, a list as a JSON string, and any value as null. */

import { parseJson } from '../../runtime/json.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Returns an own property, never one that the prototype provides. */
export const fieldOf = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

/** Returns a string or a number as a string. `''` stays `''`. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

export const filledTextOf = (value: unknown): string | undefined => textOf(value)?.trim() || undefined;

export function numberOf(value: unknown): number | undefined {
  const text = filledTextOf(value);
  if (text === undefined) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** Returns a number that is not negative, such as a size. A number over `most` is an error of Wiro's: it is unknown. */
export function amountOf(value: unknown, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const number = numberOf(value);
  return number !== undefined && number >= 0 && number <= most ? number : undefined;
}

export function truthOf(value: unknown): boolean | undefined {
  const text = typeof value === 'boolean' ? String(value) : filledTextOf(value)?.toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

/** Reads an array or a JSON string of one. Returns `undefined` for anything else, which is not an empty list. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  return Array.isArray(parsed) ? parsed : undefined;
}

/** Drops the fields that are `undefined`, so that an optional field is absent. */
export const omitUndefined = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
  } & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };

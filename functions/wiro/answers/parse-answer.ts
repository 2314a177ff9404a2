import type { Redaction } from '../redact.ts';
import {
  type Fields,
  fieldOf,
  filledTextOf,
  isFields,
  listOf,
  numberOf,
  parseJson,
  textOf,
  truthOf,
} from './values.ts';

/** What any answer of Wiro's says, before it is known to which call. */
export type Answer =
  | { readonly kind: 'accepted'; readonly fields: Fields }
  | { readonly kind: 'refused'; readonly fields: Fields; readonly refusals: readonly Refusal[] }
  | { readonly kind: 'unreadable' };

/** One entry of `errors`. A bare string has no code; what is not an entry at all has no message either. */
export interface Refusal {
  readonly code?: number;
  readonly message: string;
}

/** Reads `{result, errors, …}`. Without a `result` that is true or false an answer says nothing. */
export function parseAnswer(text: string): Answer {
  const fields = parseJson(text);
  if (!isFields(fields)) return { kind: 'unreadable' };
  const result = truthOf(fieldOf(fields, 'result'));
  if (result === undefined) return { kind: 'unreadable' };
  if (result) return { kind: 'accepted', fields };
  return { kind: 'refused', fields, refusals: parseErrors(fieldOf(fields, 'errors')) };
}

function parseErrors(errors: unknown): readonly Refusal[] {
  if (errors === undefined || errors === null) return [];
  return (listOf(errors) ?? [errors]).map(parseRefusal);
}

function parseRefusal(entry: unknown): Refusal {
  if (!isFields(entry)) return { message: filledTextOf(entry) ?? '' };
  const message = textOf(fieldOf(entry, 'message'))?.trim() ?? '';
  const code = numberOf(fieldOf(entry, 'code'));
  return code === undefined ? { message } : { code, message };
}

/** More are never documented, and would make a message of any length. */
const MOST_QUOTED = 5;

/** What Wiro says, fit for a message. */
export const quote = (refusals: readonly Refusal[], redact: Redaction): string =>
  refusals
    .slice(0, MOST_QUOTED)
    .map(({ message }) => redact(message))
    .join('; ');

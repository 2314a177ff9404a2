import { isRecord, parseJson } from '../../runtime/json.ts';
import type { Redaction } from '../redact.ts';
import { type Fields, fieldOf, filledTextOf, listOf, numberOf, textOf, truthOf } from './values.ts';

/** The part of an answer that every call of Wiro's API shares. */
export type Answer =
  | { readonly kind: 'accepted'; readonly fields: Fields }
  | { readonly kind: 'refused'; readonly fields: Fields; readonly refusals: readonly Refusal[] }
  | { readonly kind: 'unreadable' };

/** One entry of `errors`. A bare string has no code. An entry of any other type has an empty message. */
export interface Refusal {
  readonly code?: number;
  readonly message: string;
}

/** Reads `{result, errors, …}`. An answer whose `result` is neither true nor false is unreadable. */
export function parseAnswer(text: string): Answer {
  const fields = parseJson(text);
  if (!isRecord(fields)) return { kind: 'unreadable' };
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
  if (!isRecord(entry)) return { message: filledTextOf(entry) ?? '' };
  const message = textOf(fieldOf(entry, 'message'))?.trim() ?? '';
  const code = numberOf(fieldOf(entry, 'code'));
  return code === undefined ? { message } : { code, message };
}

/** Keeps a message short. Wiro documents one entry per answer. */
const MOST_QUOTED = 5;

/** Stands in a message for a refusal that gives no reason. */
export const NO_REASON = 'no reason given';

/** Wiro's reasons, redacted for a message. */
export const quote = (refusals: readonly Refusal[], redact: Redaction): string =>
  refusals
    .slice(0, MOST_QUOTED)
    .map(({ message }) => redact(message))
    .join('; ');

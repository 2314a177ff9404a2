import type { Refusal } from './answers/parse-answer.ts';
import type { NotRunReason } from './types.ts';

/** What one entry of `errors` means. `open` is a server error or an undocumented text: a task may exist. */
export type RefusalMeaning =
  | {
      readonly kind: Exclude<NotRunReason, 'unreachable' | 'busy'>;
      readonly field?: string;
      readonly limit?: number;
    }
  | { readonly kind: 'open' };

/** Interprets one entry of `errors`. @see https://wiro.ai/docs/error-reference */
export function meaningOf({ code, message }: Refusal): RefusalMeaning {
  // An entry without a code means something only if its text is a known one.
  if (code === undefined || code === 0) return meaningOfText(message);
  switch (code) {
    case 1:
      return { kind: 'notFound' };
    case 96: {
      const limit = Number(/up to (\d{1,9}) task/i.exec(message)?.[1]);
      return limit > 0 ? { kind: 'concurrencyLimit', limit } : { kind: 'concurrencyLimit' };
    }
    case 97:
      return { kind: 'insufficientBalance' };
    case 98:
    case 99:
      return { kind: 'unauthorized' };
    default:
      return { kind: 'refused' };
  }
}

// These match whole sentences, so that a server error that quotes one does not count as a validation.
const VALIDATIONS = [
  /^Request parameter \[([^\]]+)\] (?:is )?required\.?$/i,
  /^Request files? \[([^\]]+)\] (?:is |are )?required\.?$/i,
  /^(?:Request parameter )?\[?([^\s\]]+)\]? must be integer or float\.?$/i,
  /^(?:Request parameter )?\[?([^\s\]]+)\]? must be between -?[\d.]+ and -?[\d.]+$/i,
];

const OTHERS = [
  [/^Request parameters are invalid\.?$/i, 'invalid'],
  [/^This model is not allowed in your team\.?(?: Contact your team admin\.?)?$/i, 'notFound'],
  [/^This model is not available for your team\.?$/i, 'notFound'],
  // The text continues with how to reach Wiro's support.
  [/^Your account has been suspended\b/i, 'refused'],
  [/^You don['’]t have any permission for this action\.?$/i, 'refused'],
] as const;

function meaningOfText(message: string): RefusalMeaning {
  for (const [text, kind] of OTHERS) if (text.test(message)) return { kind };
  for (const validation of VALIDATIONS) {
    const field = validation.exec(message)?.[1];
    if (field !== undefined) return { kind: 'invalid', field };
  }
  return { kind: 'open' };
}

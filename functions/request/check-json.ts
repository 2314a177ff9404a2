import { extendField, RequestError } from '../generation/errors.ts';
import { gatherProblems } from './problems.ts';

/** Deeper than the parameters of any model. `JSON.stringify` fails on values that are nested much deeper. */
const DEEPEST = 64;

/**
 * Checks that a value parsed from JSON can be stored and forwarded without loss: limited depth, well-formed text, and
 * numbers that JavaScript represents exactly. Makes one pass in document order, in linear time.
 * @param path - Prefix for every field that an error names, for example `[3].`.
 * @throws {RequestError} With all problems and their fields.
 */
export function checkJson(root: unknown, path = ''): void {
  const left: { readonly value: unknown; readonly field: string; readonly depth: number }[] = [
    { value: root, field: '', depth: 1 },
  ];
  const problems = gatherProblems();
  for (let next = left.pop(); next !== undefined && !problems.isFull(); next = left.pop()) {
    const { value, field, depth } = next;
    if (typeof value === 'string') {
      if (!value.isWellFormed()) note('invalid_parameter', field, HALF);
    } else if (typeof value === 'bigint' || (typeof value === 'number' && !isExact(value))) {
      note(
        'invalid_parameter',
        field,
        'is a number that would lose digits (beyond 2^53 or infinite): send it as text.',
      );
    } else if (typeof value === 'object' && value !== null) {
      if (depth > DEEPEST) {
        note('invalid_request', field, `is nested too deeply: a request may have at most ${DEEPEST} levels.`);
        continue;
      }
      const inside = Array.isArray(value)
        ? value.map((one: unknown, index) => [extendField(field, `[${index}]`), one] as const)
        : Object.entries(value).map(([name, one]: [string, unknown]) => {
            if (!name.isWellFormed()) note('invalid_request', field, `contains a name that ${HALF}`);
            return [extendField(field, field === '' ? name : `.${name}`), one] as const;
          });
      for (const [name, one] of inside.reverse()) left.push({ value: one, field: name, depth: depth + 1 });
    }
  }

  problems.throwAny();

  function note(code: 'invalid_request' | 'invalid_parameter', field: string, sentence: string): void {
    const whole = `${path}${field}`.replace(/\.$/, '') || 'The request';
    problems.check(() => {
      throw new RequestError(
        code,
        `${whole.length > 200 ? `${whole.slice(0, 200)}…` : whole} ${sentence}`,
        field === '' ? undefined : `${path}${field}`,
      );
    });
  }
}

const HALF =
  'contains half of a character (a lone surrogate), which cannot be stored: send whole characters.';

/** Whether the number is exact. An unsafe integer may have been rounded. A fraction is as exact as JSON numbers get. */
const isExact = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));

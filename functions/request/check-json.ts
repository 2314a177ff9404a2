import { extendField, RequestError } from '../generation/errors.ts';
import { gatherProblems } from './problems.ts';

/** No model's parameters are as deep; what is much deeper cannot be written as JSON again. */
const DEEPEST = 64;

/**
 * Checks that a value, parsed from JSON, can be kept and passed on as it was sent: not too deep, text that is
 * well-formed, numbers that JavaScript holds as they were written. One pass in the order of the document; what it
 * costs grows with the size alone.
 * @param path - Put before every field that an error names, such as `[3].`.
 * @throws {RequestError} With everything that is wrong, naming the fields.
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
    } else if (typeof value === 'bigint' || (typeof value === 'number' && !isKept(value))) {
      note(
        'invalid_parameter',
        field,
        'is a number that would be changed (beyond 2^53 or infinite): send it as text.',
      );
    } else if (typeof value === 'object' && value !== null) {
      if (depth > DEEPEST) {
        note('invalid_request', field, `is nested too deeply: a request has at most ${DEEPEST} levels.`);
        continue;
      }
      const inside = Array.isArray(value)
        ? value.map((one: unknown, index) => [extendField(field, `[${index}]`), one] as const)
        : Object.entries(value).map(([name, one]: [string, unknown]) => {
            if (!name.isWellFormed()) note('invalid_request', field, `has a name that ${HALF}`);
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

const HALF = 'holds half of a character (a lone surrogate), which cannot be kept: send whole characters.';

/** A whole number that is not safe may have been rounded from another; a fraction is as near as numbers come. */
const isKept = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));

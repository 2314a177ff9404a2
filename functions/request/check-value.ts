import type { ModelParameter } from '../wiro/types.ts';

/** Options that a message lists; a model may have hundreds. */
const MOST_SHOWN = 20;

/** Parameters of language models that hold JSON values, whatever type their schema states. */
const HOLDS_JSON = new Set([
  'messages',
  'tools',
  'tool_choice',
  'toolOutputs',
  'response_format',
  'parallel_tool_calls',
]);

/**
 * Checks one value against its parameter's type, range, step and options. Unset values pass: existing clients send `''`
 * and `0` for what is unset, and whether a parameter is required is checked elsewhere.
 * @returns What the value must be, to follow the parameter's name in a sentence. `undefined` when it is right.
 */
export function findFault(parameter: ModelParameter, value: unknown): string | undefined {
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === ''))
    return undefined;
  switch (parameter.type) {
    case 'number':
    case 'range':
    case 'float':
      return findNumberFault(parameter, value);
    case 'select':
      return findOptionFault(parameter, value);
    case 'text':
    case 'textarea':
      return typeof value !== 'object' || HOLDS_JSON.has(parameter.id) ? undefined : 'must be text';
    default:
      // A type that Wiro has added since.
      return undefined;
  }
}

function findNumberFault({ required, min, max, step, type }: ModelParameter, value: unknown) {
  const number = numberOf(value);
  if (number === undefined) return `must be a number${rangeOf(min, max)}`;
  if (number === 0 && !required) return undefined;
  if ((min !== undefined && number < min) || (max !== undefined && number > max))
    return `is ${number}, but must be a number${rangeOf(min, max)}`;
  if (type !== 'float' && step !== undefined && step > 0 && !isOnStep(number, step, min))
    return `is ${number}, but goes in steps of ${step}${min === undefined ? '' : ` from ${min}`}`;
  return undefined;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function rangeOf(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return ` between ${min} and ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

/** Wiro does not say where steps begin: at the minimum or at zero, either is right. */
const isOnStep = (number: number, step: number, min = 0): boolean =>
  [number, number - min].some((distance) => {
    const steps = distance / step;
    return Math.abs(steps - Math.round(steps)) < 1e-6;
  });

function findOptionFault({ options = [] }: ModelParameter, value: unknown): string | undefined {
  if (options.length === 0) return typeof value === 'object' ? 'must be text' : undefined;
  const isOption = createOptionCheck(options.map(({ value: option }) => option));
  if (Array.isArray(value) ? value.every(isOption) : isOption(value)) return undefined;
  const shown = options.slice(0, MOST_SHOWN).map(({ value: option }) => `"${option.slice(0, 100)}"`);
  const more = options.length > MOST_SHOWN ? `, … (${options.length} in all)` : '';
  return `must be one of ${shown.join(', ')}${more}`;
}

/** Looks options up instead of comparing with each: a list may name hundreds of them a hundred thousand times. */
function createOptionCheck(options: readonly string[]): (value: unknown) => boolean {
  const texts = new Set(options);
  // `1.0` and 1 are the same option.
  const numbers = new Set<unknown>(options.filter((option) => option.trim() !== '').map(Number));
  return (value) => typeof value !== 'object' && (texts.has(String(value)) || numbers.has(value));
}

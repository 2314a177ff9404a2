import { RequestError } from '../generation/errors.ts';

const MODEL_NAME = /^[A-Za-z0-9_.-]{1,128}\/[A-Za-z0-9_.-]{1,128}$/;

/** Checks the form of a model's name, `owner/project`. A part of dots alone would change the path of a URL. */
export const isModelName = (name: string): boolean =>
  MODEL_NAME.test(name) && !name.split('/').some((part) => /^\.+$/.test(part));

/** @throws {RequestError} If `value`, given as `field`, is no model's name. */
export function readModelName(value: unknown, field: string): string {
  if (typeof value === 'string' && isModelName(value)) return value;
  throw new RequestError(
    'invalid_parameter',
    `${field} must be "owner/project", as in the URL of the model's page at Wiro.`,
    field,
  );
}

/** `owner/project`, or `owner/` and the beginning of projects' names: `wiro/*`, `google/veo*`. */
export const MODEL_PATTERN = /^[A-Za-z0-9_.-]{1,128}\/(?:[A-Za-z0-9_.-]{1,128}|[A-Za-z0-9_.-]{0,127}\*)$/;

/**
 * Checks whether a deployment runs a model.
 * @param patterns - `undefined` where it runs every model.
 */
export function isAllowedModel(model: string, patterns: readonly string[] | undefined): boolean {
  if (patterns === undefined) return true;
  // Wiro also takes other spellings of a name, which differ in case.
  const name = model.toLowerCase();
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase();
    return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
  });
}

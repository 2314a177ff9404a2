import { MODEL_PATTERN } from '../../functions/request/model-name.ts';

/** The required form of a text value, and the remedy for a value with another form. */
export interface Form {
  readonly pattern: RegExp;
  readonly remedy: string;
}

export const DEPLOYMENT: Form = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/,
  remedy: 'use at most 64 letters, digits and "-"',
};

export const PARAMETER_PATH: Form = {
  pattern: /^(?!\/(?:aws|ssm)(?:\/|$))(?:\/[A-Za-z0-9_.-]+)+$/i,
  remedy:
    'use a path that begins with "/", but not with "/aws" or "/ssm", and has no trailing "/", for example /wiro/my-stack',
};

export const OUTPUT_HOST: Form = {
  pattern: /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$/i,
  remedy: 'use hosts with a dot, without a scheme or a path, for example wiro.ai',
};

/** Excludes IAM's wildcards and variables, and path segments that could be resolved. */
export const INPUT_PREFIX: Form = {
  pattern: /^(?:s3:\/\/[^/]+\/)?(?!.*:\/\/)(?!(?:[^/]*\/)*\.{1,2}\/)[^/*?$][^*?$]*\/$/,
  remedy:
    'use a prefix that does not begin with "/", ends in "/" (otherwise "photos" would also allow "photos-private/"), and contains no "*", "?" or "$" and no "." or ".." between slashes, for example inputs/ or s3://my-photos/public/',
};

export const MODELS: Form = {
  pattern: MODEL_PATTERN,
  remedy:
    'use owner/project, or owner/ and the beginning of names with a "*" at the end, for example wiro/* or google/veo*',
};

/** @returns The fault and the remedy, or `undefined` for a valid value. */
export function formError(name: string, value: string, { pattern, remedy }: Form): string | undefined {
  return pattern.test(value) ? undefined : `${name} is "${value}": ${remedy}.`;
}

/**
 * @param protocols - The accepted protocols, for example `https:`. The message proposes the first one.
 * @returns The fault and the remedy, or `undefined` for a valid value.
 */
export function urlError(name: string, value: string, protocols: readonly string[]): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !protocols.includes(url.protocol))
    return `${name} is "${value}": use a URL that begins with ${protocols[0]}//.`;
  if (url.username || url.password || url.search || url.hash)
    return `${name} has a user, a password, a query or a fragment: remove it.`;
  return undefined;
}

/** Like `urlError`, for the URL of Wiro's API. */
export function apiUrlError(name: string, value: string, protocols: readonly string[]): string | undefined {
  const isVersioned = value.replace(/\/+$/, '').endsWith('/v1');
  return (
    urlError(name, value, protocols) ??
    (isVersioned
      ? undefined
      : `${name} is "${value}": use a URL that ends in /v1, for example https://api.wiro.ai/v1.`)
  );
}

/** Removes trailing slashes, because callers append paths that begin with one. */
export const withoutSlashAtEnd = (url: string): string => url.replace(/\/+$/, '');

/** S3 allows 63 lower-case characters. This leaves room for the part of the stack id that the bucket appends. */
export const inputBucketName = (namePrefix: string) => `${namePrefix.toLowerCase().slice(0, 40)}-input`;

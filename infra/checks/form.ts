/** What the text of a setting must look like, and what to say where it does not. */
export interface Form {
  readonly pattern: RegExp;
  readonly remedy: string;
}

export const DEPLOYMENT: Form = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/,
  remedy: 'use letters, digits and "-", at most 64',
};

export const PARAMETER_PATH: Form = {
  pattern: /^(?!\/(?:aws|ssm)(?:\/|$))(?:\/[A-Za-z0-9_.-]+)+$/i,
  remedy: 'begin with "/" and not with "/aws" or "/ssm", end without "/", for example /wiro/my-stack',
};

export const OUTPUT_HOST: Form = {
  pattern: /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$/i,
  remedy: 'give hosts without a scheme or a path, for example wiro.ai',
};

/** No wildcard of IAM, and nothing that could be resolved. */
export const INPUT_PREFIX: Form = {
  pattern: /^(?:s3:\/\/[^/]+\/)?(?!.*:\/\/)(?!(?:[^/]*\/)*\.{1,2}\/)[^/*?$][^*?$]*\/$/,
  remedy:
    'begin with no "/", end in "/" (without it, "photos" would open "photos-private/" too), and use no "*", "?" or "$" and no "." or ".." between slashes, for example inputs/ or s3://my-photos/public/',
};

/** @returns What is wrong with `value` and what to do about it; `undefined` when nothing is. */
export function formError(name: string, value: string, { pattern, remedy }: Form): string | undefined {
  return pattern.test(value) ? undefined : `${name} is "${value}": ${remedy}.`;
}

/**
 * @param protocols - Those that the URL may begin with, for example `https:`; the first is proposed.
 * @returns What is wrong with `value` and what to do about it; `undefined` when nothing is.
 */
export function urlError(name: string, value: string, protocols: readonly string[]): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !protocols.includes(url.protocol))
    return `${name} is "${value}": give a URL that begins with ${protocols[0]}//.`;
  if (url.username || url.password || url.search || url.hash)
    return `${name}: leave out user, password, "?" and "#".`;
  return undefined;
}

/** Like `urlError`, for the URL of Wiro's API. */
export function apiUrlError(name: string, value: string, protocols: readonly string[]): string | undefined {
  const isVersioned = value.replace(/\/+$/, '').endsWith('/v1');
  return (
    urlError(name, value, protocols) ??
    (isVersioned
      ? undefined
      : `${name} is "${value}": it must end in /v1, for example https://api.wiro.ai/v1.`)
  );
}

/** Whatever is added to such a URL begins with a slash. */
export const withoutSlashAtEnd = (url: string): string => url.replace(/\/+$/, '');

/** The bucket adds a part of the stack's id: S3 takes 63 characters altogether, in lower case. */
export const inputBucketName = (namePrefix: string) => `${namePrefix.toLowerCase().slice(0, 40)}-input`;

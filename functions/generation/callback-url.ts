import { createHmac, timingSafeEqual } from 'node:crypto';

/** Which run a callback speaks of: `{deployment}/{generationId}/{attempt}`. */
export interface CallbackSubject {
  readonly deployment: string;
  readonly generationId: string;
  readonly attempt: number;
}

export interface CallbackPath extends CallbackSubject {
  /** As it came; proves nothing before `isSigned` said so. */
  readonly signature: string;
}

/** `{base}/{deployment}/{generationId}/{attempt}/{signature}`: where Wiro reports the end of one run. */
export function callbackUrl(base: string, subject: CallbackSubject, secret: string): string {
  return `${base.replace(/\/+$/, '')}/${path(subject)}/${sign(subject, secret)}`;
}

/**
 * Reads the last four segments of a path: a callback URL may have any base, and a CDN in front passes on the base's own
 * path, too. `undefined` for whatever no callback URL of ours ends in.
 */
export function parseCallbackPath(rawPath: string): CallbackPath | undefined {
  const [deployment = '', generationId = '', attempt = '', signature = ''] = rawPath.split('/').slice(-4);
  const isOurs =
    /^[A-Za-z0-9-]{1,64}$/.test(deployment) &&
    /^[a-z2-7]{26}$/.test(generationId) &&
    /^[1-9][0-9]{0,5}$/.test(attempt) &&
    /^[0-9a-f]{64}$/.test(signature);
  return isOurs ? { deployment, generationId, attempt: Number(attempt), signature } : undefined;
}

/** Reads the subject from a whole callback URL, as a task's record shows it; whatever its base. */
export function parseCallbackUrl(url: string): CallbackPath | undefined {
  return URL.canParse(url) ? parseCallbackPath(new URL(url).pathname) : undefined;
}

/** Whether one of the secrets signed it; takes as long for a wrong signature as for a right one. */
export function isSigned(callback: CallbackPath, secrets: readonly string[]): boolean {
  const given = Buffer.from(callback.signature, 'hex');
  let signed = false;
  for (const secret of secrets) {
    const expected = Buffer.from(sign(callback, secret), 'hex');
    signed = (given.length === expected.length && timingSafeEqual(given, expected)) || signed;
  }
  return signed;
}

const path = ({ deployment, generationId, attempt }: CallbackSubject) =>
  `${deployment}/${generationId}/${attempt}`;

const sign = (subject: CallbackSubject, secret: string) =>
  createHmac('sha256', secret).update(path(subject)).digest('hex');

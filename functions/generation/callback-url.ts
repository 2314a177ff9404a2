import { createHmac, timingSafeEqual } from 'node:crypto';

/** The attempt that a callback is about: `{deployment}/{generationId}/{attempt}`. */
export interface CallbackSubject {
  readonly deployment: string;
  readonly generationId: string;
  readonly attempt: number;
}

export interface CallbackPath extends CallbackSubject {
  /** As received. Proves nothing before `isSigned` checks it. */
  readonly signature: string;
}

/** `{base}/{deployment}/{generationId}/{attempt}/{signature}`: the URL at which Wiro reports the end of one Run. */
export function callbackUrl(base: string, subject: CallbackSubject, secret: string): string {
  return `${base.replace(/\/+$/, '')}/${path(subject)}/${sign(subject, secret)}`;
}

/**
 * Reads the last four segments of a path. A callback URL may have any base, and a CDN passes the base's own path on.
 * `undefined` if the path does not end like one of our callback URLs.
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

/** Reads the subject from a callback URL in a task's record, with any base. */
export function parseCallbackUrl(url: string): CallbackPath | undefined {
  return URL.canParse(url) ? parseCallbackPath(new URL(url).pathname) : undefined;
}

/** Whether one of the secrets signed the callback. Takes the same time for a wrong signature as for a right one. */
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

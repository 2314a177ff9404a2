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

/** Reads the path of a request to `callback`. `undefined` for whatever no callback URL of ours looks like. */
export function parseCallbackPath(rawPath: string): CallbackPath | undefined {
  const match = /^\/?([A-Za-z0-9-]{1,64})\/([a-z2-7]{26})\/([1-9][0-9]{0,5})\/([0-9a-f]{64})$/.exec(rawPath);
  if (match === null) return undefined;
  const [, deployment = '', generationId = '', attempt = '', signature = ''] = match;
  return { deployment, generationId, attempt: Number(attempt), signature };
}

/** Reads the subject from a whole callback URL, as a task's record shows it; whatever its base. */
export function parseCallbackUrl(url: string): CallbackPath | undefined {
  if (!URL.canParse(url)) return undefined;
  return parseCallbackPath(new URL(url).pathname.split('/').slice(-4).join('/'));
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

import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-errors.ts';

/** A parsed path-style request: `/bucket/key`. */
export interface S3Request {
  readonly method: string;
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  /** The decoded path, which the signature covers. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Reads a header, or the query parameter that replaces it in a presigned URL. */
  readonly header: (name: string) => string | undefined;
  /** The lower-case names of all headers and of the query parameters that replace one. */
  readonly headerNames: readonly string[];
  readonly incoming: IncomingMessage;
}

export const MAX_KEY_BYTES = 1024;

/** @throws {S3Error} If the path is invalid or the key is too long. */
export function parseRequest(incoming: IncomingMessage): S3Request {
  // `new URL` would resolve `..`, which a key may contain.
  const target = incoming.url ?? '/';
  const queryAt = target.indexOf('?');
  const path = decode(queryAt < 0 ? target : target.slice(0, queryAt));
  const query = new URLSearchParams(queryAt < 0 ? '' : target.slice(queryAt + 1));
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError');
  const hoisted = new Map([...query].map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: incoming.method ?? 'GET',
    bucket,
    key,
    path,
    query,
    header: (name) => {
      const value = incoming.headers[name] ?? (name.startsWith('x-amz-') ? hoisted.get(name) : undefined);
      return Array.isArray(value) ? value.join(',') : value;
    },
    headerNames: [
      ...new Set([
        ...Object.keys(incoming.headers),
        ...[...hoisted.keys()].filter((name) => name.startsWith('x-amz-') && !SIGNING.has(name)),
      ]),
    ],
    incoming,
  };
}

/** The query parameters that sign a request, which replace no header. */
const SIGNING = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-signature',
]);

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new S3Error('InvalidURI');
  }
}

/** Reads a whole number from the query. @throws {S3Error} If it is invalid or out of bounds. */
export function readNumber(
  { query }: Pick<S3Request, 'query'>,
  name: string,
  { min, max, byDefault }: { min: number; max: number; byDefault: number },
): number {
  const text = query.get(name);
  if (text === null) return byDefault;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new S3Error('InvalidArgument', `${name} must be a whole number from ${min} to ${max}`);
  return value;
}

import { ownRegion } from '../aws/endpoint.ts';
import type { HttpRequest } from '../aws/exchange.ts';
import { encode, lambdaCredentials, signForS3 } from '../aws/sign.ts';
import { objectUrl, type S3Access } from './object-url.ts';

/** What is asked of S3. */
export interface Asked {
  readonly method: string;
  readonly bucket: string;
  /** @default - the bucket itself */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names. They are signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** SHA-256 of the body in lower-case hex. @default - the signature does not cover the body */
  readonly payload?: string | undefined;
}

/** Makes a request to S3 as it is sent. @param at - S3's time, as far as it is known. */
export async function signedRequest(asked: Asked, access: S3Access, at: Date): Promise<HttpRequest> {
  const { method, bucket, key = '', headers = {}, body = '', payload } = asked;
  const { region = ownRegion(), credentials = await lambdaCredentials() } = access;
  const { origin, host, pathname: path } = objectUrl({ bucket, key }, access);
  const query = spellQuery(asked.query);
  const signed = signForS3(
    { method, host, path, query, headers, ...(payload !== undefined && { payload }) },
    { region, credentials, at },
  );
  return {
    method,
    origin: new URL(origin),
    path: query === '' ? path : `${path}?${query}`,
    headers: { ...headers, ...signed },
    body,
  };
}

/** The query as S3 signs it, in the order of its names. */
const spellQuery = (query: Readonly<Record<string, string>> = {}): string =>
  Object.entries(query)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');

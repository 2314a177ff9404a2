import { endpointOf, ownEndpointOf, ownRegion, type Service } from '../aws/endpoint.ts';
import { encode } from '../aws/sign.ts';
import type { PostOptions } from '../aws/signed-post.ts';
import type { ObjectRef } from './types.ts';

export const S3: Service = { name: 's3', endpointVariable: 'S3' };

/** Where S3 is and who asks. @default - as the function's environment says */
export type S3Access = Pick<PostOptions, 'endpoint' | 'region' | 'credentials'>;

/** A name with dots is in no host: the certificate of S3 would not cover it. */
const IS_IN_HOST = /^[a-z\d][a-z\d-]{1,61}[a-z\d]$/;

/**
 * Returns an object's address, as the SDK's client spells it. It is no `URL`, which would resolve the dots in the key
 * "a/../b".
 */
export function objectUrl(
  { bucket, key }: ObjectRef,
  { endpoint = ownEndpointOf(S3), region = ownRegion() }: S3Access = {},
): Pick<URL, 'origin' | 'host' | 'pathname'> {
  const s3 = new URL(endpointOf(S3, region, endpoint));
  // An emulator addresses buckets by path: bucket names in the host would need its own DNS.
  const isInHost = endpoint === undefined && IS_IN_HOST.test(bucket);
  const host = isInHost ? `${bucket}.${s3.host}` : s3.host;
  const base = isInHost ? '' : `${s3.pathname.replace(/\/$/, '')}/${encode(bucket)}`;
  return { origin: `${s3.protocol}//${host}`, host, pathname: `${base}/${encodeKey(key)}` };
}

/** Encodes a key for a path. Its slashes stay. */
const encodeKey = (key: string): string => key.split('/').map(encode).join('/');

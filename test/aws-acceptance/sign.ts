import { AwsV4Signer } from 'aws4fetch';
import type { Account } from './account.ts';
import type { Sending } from './send.ts';

/** Signs a request for AWS (Signature Version 4). */
export async function sign(
  { credentials, region }: Pick<Account, 'credentials' | 'region'>,
  service: string,
  { method, url, headers = {}, body, signal }: Sending,
): Promise<Sending> {
  const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
  const signed = await new AwsV4Signer({
    method,
    url,
    headers: { ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service,
    region,
  }).sign();
  return {
    method,
    url,
    headers: Object.fromEntries(signed.headers),
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
  };
}

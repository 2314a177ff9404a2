import { ownRegion } from '../aws/endpoint.ts';
import { type Headers, lambdaCredentials, presignUrl } from '../aws/sign.ts';
import { objectUrl, S3, type S3Access } from './object-url.ts';
import type { ObjectRef } from './types.ts';

/** A link expires with the role's session, however long it is signed for. */
export const MAX_EXPIRY_SECONDS = 900;

export interface LinkToObject extends ObjectRef {
  readonly method: 'GET' | 'PUT';
  /** Further parameters of the link. @default - none */
  readonly query?: Headers;
  /** To be sent exactly so. Lower-case names. @default - none */
  readonly headers?: Headers;
  readonly signedAt: Date;
  /** @default 900 */
  readonly seconds?: number;
}

export interface PresignedLink {
  readonly url: string;
  readonly expiresAt: Date;
}

/** Creates a link with which anyone can make one request for an object until it expires. */
export async function presignObject(
  { method, query = {}, headers = {}, signedAt, seconds = MAX_EXPIRY_SECONDS, ...object }: LinkToObject,
  access: S3Access = {},
): Promise<PresignedLink> {
  const { region = ownRegion(), credentials = await lambdaCredentials() } = access;
  const url = presignUrl(
    { method, url: objectUrl(object, access), query, headers },
    { service: S3.name, region, credentials, at: signedAt },
    seconds,
  );
  // The signature's own clock counts whole seconds.
  return { url, expiresAt: new Date(Math.floor(signedAt.getTime() / 1000 + seconds) * 1000) };
}

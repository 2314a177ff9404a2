import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { linkExpiry, MAX_EXPIRY_SECONDS } from './link-expiry.ts';
import type { ObjectRef } from './types.ts';

export interface UploadToPresign extends ObjectRef {
  readonly contentType: string;
  readonly sizeBytes: number;
}

export interface PresignedUpload {
  readonly url: string;
  /** To be sent exactly so: S3 refuses another length or type. */
  readonly headers: Readonly<Record<'content-type' | 'content-length', string>>;
  readonly expiresAt: Date;
}

/**
 * Creates short-lived links to which anyone can upload one object of the stated length and type.
 * @param createClient - Builds a client without checksums: the SDK would sign the checksum of an empty body.
 */
export function createUploadPresigner({
  createClient,
  now,
}: {
  readonly createClient: () => S3Client;
  readonly now: () => Date;
}): (upload: UploadToPresign) => Promise<PresignedUpload> {
  let client: S3Client | undefined;
  return async ({ bucket, key, contentType, sizeBytes }) => {
    client ??= createClient();
    const signingDate = now();
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      ContentType: contentType,
      ContentLength: sizeBytes,
    });
    const url = await getSignedUrl(client, command, {
      expiresIn: MAX_EXPIRY_SECONDS,
      signingDate,
      signableHeaders: new Set(['host', 'content-type', 'content-length']),
    });
    return {
      url,
      headers: { 'content-type': contentType, 'content-length': String(sizeBytes) },
      expiresAt: await linkExpiry(client, signingDate, MAX_EXPIRY_SECONDS),
    };
  };
}

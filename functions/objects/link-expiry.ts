import type { S3Client } from '@aws-sdk/client-s3';

/** A presigned URL expires with the role's session, however long it is signed for. */
export const MAX_EXPIRY_SECONDS = 900;

/** When a URL expires that was signed at `signedAt` for so many seconds. */
export async function linkExpiry(client: S3Client, signedAt: Date, seconds: number): Promise<Date> {
  const { expiration } = await client.config.credentials();
  // The signature's own clock counts whole seconds.
  const signedUntil = Math.floor(signedAt.getTime() / 1000 + seconds) * 1000;
  return new Date(Math.min(signedUntil, expiration?.getTime() ?? signedUntil));
}

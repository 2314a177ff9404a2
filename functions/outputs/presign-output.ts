import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ObjectRef } from '../objects/types.ts';
import { isShownInline } from './content-type.ts';

export interface OutputToPresign extends ObjectRef {
  readonly contentType: string;
  /** The name under which a browser saves the file. */
  readonly name: string;
}

export interface PresignedOutput {
  readonly url: string;
  readonly expiresAt: Date;
}

export interface OutputPresignerDeps {
  readonly client: S3Client;
  readonly now: () => Date;
  /** At most 900, because a URL expires with the role's session, however long it is signed for. @default 900 */
  readonly expiresInSeconds?: number;
}

const MAX_EXPIRY_SECONDS = 900;

/** Creates short-lived links to outputs. */
export function createOutputPresigner({
  client,
  now,
  expiresInSeconds = MAX_EXPIRY_SECONDS,
}: OutputPresignerDeps) {
  const seconds = Math.min(expiresInSeconds, MAX_EXPIRY_SECONDS);
  return async ({ bucket, key, contentType, name }: OutputToPresign): Promise<PresignedOutput> => {
    const signingDate = now();
    const { expiration } = await client.config.credentials();
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ResponseContentDisposition: contentDisposition(
        isShownInline(contentType) ? 'inline' : 'attachment',
        name,
      ),
    });
    const url = await getSignedUrl(client, command, { expiresIn: seconds, signingDate });
    // The signature's own clock counts whole seconds.
    const signedUntil = Math.floor(signingDate.getTime() / 1000 + seconds) * 1000;
    return { url, expiresAt: new Date(Math.min(signedUntil, expiration?.getTime() ?? signedUntil)) };
  };
}

/** Returns a header with an ASCII name for old readers and with the real name (RFC 6266). */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

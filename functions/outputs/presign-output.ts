import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { linkExpiry, MAX_EXPIRY_SECONDS } from '../objects/link-expiry.ts';
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

/** Creates short-lived links to outputs. */
export function createOutputPresigner({
  client,
  now,
  expiresInSeconds = MAX_EXPIRY_SECONDS,
}: OutputPresignerDeps) {
  const seconds = Math.min(expiresInSeconds, MAX_EXPIRY_SECONDS);
  return async ({ bucket, key, contentType, name }: OutputToPresign): Promise<PresignedOutput> => {
    const signingDate = now();
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ResponseContentDisposition: contentDisposition(
        isShownInline(contentType) ? 'inline' : 'attachment',
        name,
      ),
    });
    const url = await getSignedUrl(client, command, { expiresIn: seconds, signingDate });
    return { url, expiresAt: await linkExpiry(client, signingDate, seconds) };
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

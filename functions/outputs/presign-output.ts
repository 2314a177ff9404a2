import type { S3Access } from '../objects/object-url.ts';
import { MAX_EXPIRY_SECONDS, type PresignedLink, presignObject } from '../objects/presign-object.ts';
import type { ObjectRef } from '../objects/types.ts';
import { isShownInline } from './content-type.ts';

export interface OutputToPresign extends ObjectRef {
  readonly contentType: string;
  /** The name under which a browser saves the file. */
  readonly name: string;
}

export interface OutputPresignerDeps {
  readonly now: () => Date;
  readonly access?: S3Access;
  /** At most 900, because a URL expires with the role's session, however long it is signed for. @default 900 */
  readonly expiresInSeconds?: number;
}

/** Creates short-lived links to outputs. */
export function createOutputPresigner({
  now,
  access,
  expiresInSeconds = MAX_EXPIRY_SECONDS,
}: OutputPresignerDeps) {
  const seconds = Math.min(expiresInSeconds, MAX_EXPIRY_SECONDS);
  return ({ bucket, key, contentType, name }: OutputToPresign): Promise<PresignedLink> => {
    const disposition = contentDisposition(isShownInline(contentType) ? 'inline' : 'attachment', name);
    const query = { 'response-content-disposition': disposition };
    return presignObject({ method: 'GET', bucket, key, query, signedAt: now(), seconds }, access);
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

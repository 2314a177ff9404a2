import type { S3Access } from './object-url.ts';
import { type PresignedLink, presignObject } from './presign-object.ts';
import type { ObjectRef } from './types.ts';

export interface UploadToPresign extends ObjectRef {
  readonly contentType: string;
  readonly sizeBytes: number;
}

export interface PresignedUpload extends PresignedLink {
  /** To be sent exactly so: S3 refuses another length or type. */
  readonly headers: Readonly<Record<'content-type' | 'content-length', string>>;
}

/** Creates short-lived links to which anyone can upload one object of the stated length and type. */
export const createUploadPresigner =
  ({ now, access }: { readonly now: () => Date; readonly access?: S3Access }) =>
  async ({ bucket, key, contentType, sizeBytes }: UploadToPresign): Promise<PresignedUpload> => {
    const headers = { 'content-type': contentType, 'content-length': String(sizeBytes) };
    const link = await presignObject({ method: 'PUT', bucket, key, headers, signedAt: now() }, access);
    return { ...link, headers };
  };

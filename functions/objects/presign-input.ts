import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { InputChangedError } from './errors.ts';
import type { InputObject, InputStore } from './types.ts';

/** A URL dies with the role's session, however long it is signed for; and Wiro fetches inputs when a task starts. */
const EXPIRY_SECONDS = 900;

/**
 * Makes links by which Wiro fetches inputs itself. Whoever has one can read that object for a quarter of an hour:
 * they go to Wiro, and nowhere else.
 */
export const createInputPresigner =
  ({ client, inputs }: { readonly client: S3Client; readonly inputs: Pick<InputStore, 'head'> }) =>
  /** @throws {InputChangedError} When the object is no longer the one that was accepted, or is gone. */
  async (input: InputObject): Promise<string> => {
    const { bucket, key, etag } = input;
    // A link cannot insist on an ETag: whoever replaces the object within these minutes replaces the input.
    const standing = await inputs.head({ bucket, key });
    if (standing?.etag !== etag)
      throw new InputChangedError(`Cannot link "${key}": it changed after it was accepted, or is gone`);
    return getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), {
      expiresIn: EXPIRY_SECONDS,
    });
  };

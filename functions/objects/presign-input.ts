import { GetObjectCommand, HeadObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { InputChangedError } from './errors.ts';
import { isSameObject } from './same-object.ts';
import type { InputObject, InputStore } from './types.ts';

/** A URL dies with the role's session, however long it is signed for; and Wiro fetches inputs when a task starts. */
const EXPIRY_SECONDS = 900;

/**
 * Makes links by which Wiro fetches inputs itself. Whoever has one can read that object for a quarter of an hour:
 * they go to Wiro, and nowhere else.
 */
export const createInputPresigner =
  ({ client, inputs }: { readonly client: S3Client; readonly inputs: Pick<InputStore, 'head'> }) =>
  /**
   * @returns `isPinned` where the link names the version that was accepted. A link cannot insist on an ETag: without a
   *   version, whoever replaces the object within these minutes replaces the input.
   * @throws {InputChangedError} When the object is no longer the one that was accepted, or is gone.
   */
  async (input: InputObject): Promise<{ readonly url: string; readonly isPinned: boolean }> => {
    const { bucket: Bucket, key: Key, versionId } = input;
    const isPinned = versionId !== undefined && (await isVersionReadable(client, input));
    const standing = isPinned ? undefined : await inputs.head({ bucket: Bucket, key: Key });
    if (!isPinned && !(standing && isSameObject(standing, input))) throw changed(Key);
    const command = new GetObjectCommand({ Bucket, Key, ...(isPinned && { VersionId: versionId }) });
    return { url: await getSignedUrl(client, command, { expiresIn: EXPIRY_SECONDS }), isPinned };
  };

/** Reading a version is a right of its own, which the owner of a bucket may not have given: a link has our rights. */
async function isVersionReadable(
  client: S3Client,
  { bucket: Bucket, key: Key, versionId: VersionId }: InputObject,
): Promise<boolean> {
  try {
    await client.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
    return true;
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status === 404) throw changed(Key);
    if (status === 403) return false;
    throw error;
  }
}

const changed = (key: string | undefined) =>
  new InputChangedError(`Cannot link "${key}": it changed after it was accepted, or is gone`);

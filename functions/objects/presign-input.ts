import { GetObjectCommand, HeadObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { InputChangedError } from './errors.ts';
import { isSameObject } from './same-object.ts';
import type { InputObject, InputStore } from './types.ts';

/** Long enough for Wiro, which fetches inputs when a task starts. A URL also expires with the role's session. */
const EXPIRY_SECONDS = 900;

/**
 * Creates presigned links with which Wiro fetches inputs itself. A link lets its holder read the object for 15 minutes,
 * so send it only to Wiro.
 */
export const createInputPresigner =
  ({ client, inputs }: { readonly client: S3Client; readonly inputs: Pick<InputStore, 'head'> }) =>
  /**
   * @returns `isPinned` if the link names the accepted version. A link cannot require an ETag: without a version,
   *   replacing the object before Wiro fetches it replaces the input.
   * @throws {InputChangedError} If the object was replaced or deleted after its acceptance.
   */
  async (input: InputObject): Promise<{ readonly url: string; readonly isPinned: boolean }> => {
    const { bucket: Bucket, key: Key, versionId } = input;
    const isPinned = versionId !== undefined && (await isVersionReadable(client, input));
    const standing = isPinned ? undefined : await inputs.head({ bucket: Bucket, key: Key });
    if (!isPinned && !(standing && isSameObject(standing, input))) throw changed(Key);
    const command = new GetObjectCommand({ Bucket, Key, ...(isPinned && { VersionId: versionId }) });
    return { url: await getSignedUrl(client, command, { expiresIn: EXPIRY_SECONDS }), isPinned };
  };

/** Whether this function may read the version, which needs a separate permission. A link has the same permissions. */
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
  new InputChangedError(`Cannot create a link to "${key}": it was replaced or deleted after it was accepted`);

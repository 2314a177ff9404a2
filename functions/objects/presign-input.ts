import { InputChangedError, UnlinkableKeyError } from './errors.ts';
import type { S3Access } from './object-url.ts';
import { presignObject } from './presign-object.ts';
import { isSameObject } from './same-object.ts';
import type { InputObject, InputStore } from './types.ts';

interface InputPresignerDeps {
  readonly inputs: Pick<InputStore, 'head' | 'isVersionReadable'>;
  readonly now: () => Date;
  readonly access?: S3Access;
}

/**
 * Creates presigned links with which Wiro fetches inputs itself when a task starts. A link lets its holder read the object
 * for 15 minutes, so send it only to Wiro.
 */
export const createInputPresigner =
  ({ inputs, now, access }: InputPresignerDeps) =>
  /**
   * @returns `isPinned` if the link names the accepted version. A link cannot require an ETag: without a version,
   *   replacing the object before Wiro fetches it replaces the input.
   * @throws {InputChangedError} If the object was replaced or deleted after its acceptance.
   * @throws {UnlinkableKeyError} If the key has "." or ".." between slashes.
   */
  async (input: InputObject): Promise<{ readonly url: string; readonly isPinned: boolean }> => {
    const { bucket, key, versionId } = input;
    if (key.split('/').some((segment) => segment === '.' || segment === '..'))
      throw new UnlinkableKeyError(`Cannot create a link to "${key}": it would lead to another object`);
    // A link has the same permissions as this function.
    const isPinned = versionId !== undefined && (await inputs.isVersionReadable({ ...input, versionId }));
    const standing = isPinned ? undefined : await inputs.head({ bucket, key });
    if (!isPinned && !(standing && isSameObject(standing, input)))
      throw new InputChangedError(
        `Cannot create a link to "${key}": it was replaced or deleted after it was accepted`,
      );
    const query = isPinned ? { versionId } : {};
    const { url } = await presignObject({ method: 'GET', bucket, key, query, signedAt: now() }, access);
    return { url, isPinned };
  };

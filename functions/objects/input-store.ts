import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { InputAccessError, InputChangedError } from './errors.ts';
import { isMissing, isPermanentlyRefused, statusOf } from './s3-refusal.ts';
import { isSameObject } from './same-object.ts';
import { toFound } from './to-found.ts';
import type { FoundObject, InputObject, InputStore, ObjectRef } from './types.ts';

/** Creates a reader of inputs in their original buckets. */
export function createInputStore(client: Pick<S3Client, 'send'>): InputStore {
  /** Repeats a refused HEAD as a GET: the answer to a HEAD has no body, so only a GET gives the reason. */
  async function findRefused(ref: ObjectRef): Promise<GetObjectCommandOutput | undefined> {
    try {
      const found = await client.send(new GetObjectCommand(toInput(ref)));
      if (found.Body instanceof Readable) found.Body.destroy();
      return found;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw isPermanentlyRefused(error) ? new InputAccessError(ref, error) : error;
    }
  }

  async function get(input: InputObject): Promise<GetObjectCommandOutput> {
    const { etag, versionId } = input;
    const current = { ...toInput(input), IfMatch: etag } satisfies GetObjectCommandInput;
    if (versionId === undefined) return client.send(new GetObjectCommand(current));
    try {
      return await client.send(new GetObjectCommand({ ...current, VersionId: versionId }));
    } catch (error) {
      // Reading a version needs a separate permission, which the owner of the bucket may not have granted.
      if (statusOf(error) !== 403) throw error;
      return client.send(new GetObjectCommand(current));
    }
  }

  async function head(ref: ObjectRef): Promise<FoundObject | undefined> {
    const command = new HeadObjectCommand({ ...toInput(ref), ChecksumMode: 'ENABLED' });
    const found = await client.send(command).catch((error: unknown) => {
      if ((statusOf(error) ?? 500) < 500) return findRefused(ref);
      throw error;
    });
    return found && toFound(ref, found);
  }

  /** Reads the object if only its ETag has changed. Copying an object onto itself, for its metadata, does that. */
  async function getSameBytes(input: InputObject): Promise<GetObjectCommandOutput | undefined> {
    if (input.checksum === undefined) return undefined;
    const standing = await head(input);
    return standing && isSameObject(standing, input) ? get(standing) : undefined;
  }

  return {
    head,

    async isVersionReadable({ bucket, key, versionId }) {
      try {
        await client.send(new HeadObjectCommand({ ...toInput({ bucket, key }), VersionId: versionId }));
        return true;
      } catch (error) {
        const status = statusOf(error);
        if (status === 404)
          throw new InputChangedError(`Cannot read "${key}": its version was deleted after it was accepted`, {
            cause: error,
          });
        if (status === 403) return false;
        throw error;
      }
    },

    async open(input) {
      const found = await get(input)
        .catch(async (error: unknown) => {
          const same = statusOf(error) === 412 ? await getSameBytes(input) : undefined;
          if (same === undefined) throw error;
          return same;
        })
        .catch((error: unknown) => {
          if (statusOf(error) === 412)
            throw new InputChangedError(`Cannot read "${input.key}": it changed after it was accepted`, {
              cause: error,
            });
          if (isMissing(error))
            throw new InputChangedError(`Cannot read "${input.key}": it was deleted after it was accepted`, {
              cause: error,
            });
          throw isPermanentlyRefused(error) ? new InputAccessError(input, error) : error;
        });
      if (!(found.Body instanceof Readable)) throw new Error(`Cannot read "${input.key}": S3 sent no body`);
      return found.Body;
    },
  };
}

function toInput({ bucket, key }: ObjectRef) {
  return { Bucket: bucket, Key: key };
}

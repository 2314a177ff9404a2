import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { InputAccessError, InputChangedError } from './errors.ts';
import type { InputStore, ObjectRef } from './types.ts';

/** Inputs where their owners put them. */
export function createInputStore(client: Pick<S3Client, 'send'>): InputStore {
  /** S3 answers a HEAD without a body: only a GET's refusal says what it is about. */
  async function findRefused(ref: ObjectRef): Promise<HeadObjectCommandOutput | undefined> {
    try {
      const found = await client.send(new GetObjectCommand({ ...place(ref), Range: 'bytes=0-0' }));
      discard(found);
      const size = Number(found.ContentRange?.split('/')[1]);
      return { ...found, ContentLength: Number.isSafeInteger(size) ? size : found.ContentLength };
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (!(error instanceof S3ServiceException)) throw error;
      throw new InputAccessError(
        `Cannot read "${ref.key}" in "${ref.bucket}": ${error.name}: ${error.message}`,
        {
          cause: error,
        },
      );
    }
  }

  return {
    async head(ref) {
      const found = await client.send(new HeadObjectCommand(place(ref))).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        if (statusOf(error) === 403) return findRefused(ref);
        throw error;
      });
      if (found?.ETag === undefined) return undefined;
      return {
        bucket: ref.bucket,
        key: ref.key,
        etag: found.ETag,
        sizeBytes: found.ContentLength ?? 0,
        ...(found.ContentType ? { contentType: found.ContentType } : {}),
      };
    },

    async open(input) {
      const command = new GetObjectCommand({ ...place(input), IfMatch: input.etag });
      const found = await client.send(command).catch((error: unknown) => {
        if (statusOf(error) === 412)
          throw new InputChangedError(`Cannot read "${input.key}": it changed after it was accepted`, {
            cause: error,
          });
        if (isMissing(error))
          throw new InputChangedError(`Cannot read "${input.key}": it is gone`, { cause: error });
        throw error;
      });
      if (!(found.Body instanceof Readable)) throw new Error(`Cannot read "${input.key}": S3 sent no body`);
      return found.Body;
    },
  };
}

function place({ bucket, key }: ObjectRef) {
  return { Bucket: bucket, Key: key };
}

/**
 * Who may not list learns by 403 that an object is missing. S3's message then names `s3:ListBucket`, the
 * right that was lacking to say 404; where it names another action, that one is what is really denied.
 */
function isMissing(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return false;
  if (error.$metadata.httpStatusCode === 404) return error.name !== 'NoSuchBucket';
  if (error.name !== 'AccessDenied') return false;
  const [action] = /\b(?:s3|kms):\w+/.exec(error.message) ?? [];
  return action === undefined || action === 's3:ListBucket';
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function discard({ Body }: GetObjectCommandOutput): void {
  if (Body instanceof Readable) Body.destroy();
}

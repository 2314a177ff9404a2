import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { timestamp } from '../generation/time.ts';
import { InputAccessError, InputChangedError } from './errors.ts';
import { isMissing, isRefusedForGood, statusOf } from './s3-refusal.ts';
import { isSameObject } from './same-object.ts';
import type { FoundObject, InputObject, InputStore, ObjectRef } from './types.ts';

/** Inputs where their owners put them. */
export function createInputStore(client: Pick<S3Client, 'send'>): InputStore {
  /** S3 answers a HEAD without a body: only a GET's refusal says what it is about. */
  async function findRefused(ref: ObjectRef): Promise<GetObjectCommandOutput | undefined> {
    try {
      const found = await client.send(new GetObjectCommand(place(ref)));
      if (found.Body instanceof Readable) found.Body.destroy();
      return found;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw isRefusedForGood(error) ? new InputAccessError(ref, error) : error;
    }
  }

  async function get(input: InputObject): Promise<GetObjectCommandOutput> {
    const { etag, versionId } = input;
    const current = { ...place(input), IfMatch: etag } satisfies GetObjectCommandInput;
    if (versionId === undefined) return client.send(new GetObjectCommand(current));
    try {
      return await client.send(new GetObjectCommand({ ...current, VersionId: versionId }));
    } catch (error) {
      // Reading a version is a right of its own, which the owner of a bucket may not have given.
      if (statusOf(error) !== 403) throw error;
      return client.send(new GetObjectCommand(current));
    }
  }

  async function head(ref: ObjectRef): Promise<FoundObject | undefined> {
    const command = new HeadObjectCommand({ ...place(ref), ChecksumMode: 'ENABLED' });
    const found = await client.send(command).catch((error: unknown) => {
      if ((statusOf(error) ?? 500) < 500) return findRefused(ref);
      throw error;
    });
    return found && toFound(ref, found);
  }

  /** A copy onto itself, for the metadata, may give the same bytes another ETag. */
  async function getSameBytes(input: InputObject): Promise<GetObjectCommandOutput | undefined> {
    if (input.checksum === undefined) return undefined;
    const standing = await head(input);
    return standing && isSameObject(standing, input) ? get(standing) : undefined;
  }

  return {
    head,

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
            throw new InputChangedError(`Cannot read "${input.key}": it is gone`, { cause: error });
          throw isRefusedForGood(error) ? new InputAccessError(input, error) : error;
        });
      if (!(found.Body instanceof Readable)) throw new Error(`Cannot read "${input.key}": S3 sent no body`);
      return found.Body;
    },
  };
}

function place({ bucket, key }: ObjectRef) {
  return { Bucket: bucket, Key: key };
}

function toFound(
  { bucket, key }: ObjectRef,
  found: HeadObjectCommandOutput | GetObjectCommandOutput,
): FoundObject | undefined {
  const { ETag, ContentLength = 0, ContentType, VersionId, LastModified } = found;
  if (ETag === undefined) return undefined;
  const checksum = fullChecksum(found);
  return {
    bucket,
    key,
    etag: ETag,
    sizeBytes: ContentLength,
    ...(ContentType && { contentType: ContentType }),
    // "null" is what lies in a bucket that keeps no versions now: the next one takes its place.
    ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
    ...(checksum !== undefined && { checksum }),
    ...(isArchived(found) && { isArchived: true as const }),
    ...(LastModified !== undefined && { lastModified: timestamp(LastModified) }),
  };
}

const ALGORITHMS = ['SHA256', 'CRC64NVME', 'SHA1', 'CRC32C', 'CRC32'] as const;

/** That of an upload in parts may be over the checksums of its parts (`…-2`): the same bytes in one have another. */
function fullChecksum(found: HeadObjectCommandOutput | GetObjectCommandOutput): string | undefined {
  if (found.ChecksumType === 'COMPOSITE') return undefined;
  for (const algorithm of ALGORITHMS) {
    const value = found[`Checksum${algorithm}`];
    if (value !== undefined && !value.includes('-')) return `${algorithm}:${value}`;
  }
  return undefined;
}

/** GLACIER_IR is read like any other; Intelligent-Tiering says by `ArchiveStatus` that an object is away. */
function isArchived(found: HeadObjectCommandOutput | GetObjectCommandOutput): boolean {
  if ('ArchiveStatus' in found && found.ArchiveStatus !== undefined) return true;
  if (found.StorageClass !== 'GLACIER' && found.StorageClass !== 'DEEP_ARCHIVE') return false;
  return !/ongoing-request="false"/.test(found.Restore ?? '');
}

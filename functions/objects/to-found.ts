import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { timestamp } from '../generation/time.ts';
import type { FoundObject, ObjectRef } from './types.ts';

/** What S3 says of an object, in the SDK's words. */
export type Described = Pick<
  HeadObjectCommandOutput,
  | 'ETag'
  | 'ContentLength'
  | 'ContentType'
  | 'VersionId'
  | 'LastModified'
  | 'ChecksumType'
  | `Checksum${(typeof ALGORITHMS)[number]}`
  | 'StorageClass'
  | 'Restore'
  | 'ArchiveStatus'
>;

export const ALGORITHMS = ['SHA256', 'CRC64NVME', 'SHA1', 'CRC32C', 'CRC32'] as const;

export function toFound({ bucket, key }: ObjectRef, found: Described): FoundObject | undefined {
  const { ETag, ContentLength = 0, ContentType, VersionId, LastModified } = found;
  if (ETag === undefined) return undefined;
  const checksum = fullChecksum(found);
  return {
    bucket,
    key,
    etag: ETag,
    sizeBytes: ContentLength,
    ...(ContentType && { contentType: ContentType }),
    // "null" means that the bucket currently keeps no versions: the next write overwrites the object.
    ...(VersionId !== undefined && VersionId !== 'null' && { versionId: VersionId }),
    ...(checksum !== undefined && { checksum }),
    ...(isArchived(found) && { isArchived: true as const }),
    ...(LastModified !== undefined && { lastModified: timestamp(LastModified) }),
  };
}

/** Ignores composite checksums (`…-2`) of multipart uploads: the same bytes in one PUT have a different checksum. */
function fullChecksum(found: Described): string | undefined {
  if (found.ChecksumType === 'COMPOSITE') return undefined;
  for (const algorithm of ALGORITHMS) {
    const value = found[`Checksum${algorithm}`];
    if (value !== undefined && !value.includes('-')) return `${algorithm}:${value}`;
  }
  return undefined;
}

/** GLACIER_IR can be read directly. For Intelligent-Tiering, `ArchiveStatus` shows that an object is archived. */
function isArchived(found: Described): boolean {
  if (found.ArchiveStatus !== undefined) return true;
  if (found.StorageClass !== 'GLACIER' && found.StorageClass !== 'DEEP_ARCHIVE') return false;
  return !/ongoing-request="false"/.test(found.Restore ?? '');
}

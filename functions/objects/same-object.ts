import type { FoundObject, InputObject } from './types.ts';

/**
 * Whether the object still has the accepted bytes. Copying an object onto itself, for example to change its metadata, may
 * change its ETag. Then S3's checksum over the whole object decides, if it has one.
 */
export const isSameObject = (found: FoundObject, accepted: InputObject): boolean =>
  found.etag === accepted.etag ||
  (accepted.checksum !== undefined &&
    found.checksum === accepted.checksum &&
    found.sizeBytes === accepted.sizeBytes);

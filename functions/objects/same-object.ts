import type { FoundObject, InputObject } from './types.ts';

/**
 * Whether what lies there are the bytes that were accepted. A copy onto itself, such as for the metadata, may give the
 * same bytes another ETag: then the checksum decides, where S3 has one over the whole object.
 */
export const isSameObject = (found: FoundObject, accepted: InputObject): boolean =>
  found.etag === accepted.etag ||
  (accepted.checksum !== undefined &&
    found.checksum === accepted.checksum &&
    found.sizeBytes === accepted.sizeBytes);

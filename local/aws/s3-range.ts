import { S3Error } from './s3-errors.ts';

/** The first and the last byte, both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header.
 * @returns `undefined` for the whole object: without a header, and for several ranges or another unit.
 * @throws {S3Error} `InvalidRange` if the object does not have these bytes.
 */
export function parseRange(range: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined;
  if (start > end) throw new S3Error('InvalidRange');
  return { start, end };
}

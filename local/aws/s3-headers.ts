import type { StoredObject } from './s3-bucket.ts';
import { type ChecksumAlgorithm, checksumHeader, isChecksumAlgorithm } from './s3-checksum.ts';
import { S3Error } from './s3-errors.ts';
import type { S3Request } from './s3-request.ts';

const STORED = ['cache-control', 'content-disposition', 'content-language', 'expires'] as const;
const METADATA = 'x-amz-meta-';
const MAX_METADATA_BYTES = 2048;

/** Reads the headers that are stored with an object. */
export function readObjectHeaders({
  header,
  headerNames,
}: Pick<S3Request, 'header' | 'headerNames'>): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': header('content-type') ?? 'binary/octet-stream' };
  const encoding = (header('content-encoding') ?? '').split(',').map((one) => one.trim());
  const stored = encoding.filter((one) => one !== '' && one !== 'aws-chunked').join(', ');
  if (stored !== '') headers['content-encoding'] = stored;
  for (const name of STORED) {
    const value = header(name);
    if (value !== undefined) headers[name] = value;
  }
  let metadataBytes = 0;
  for (const name of headerNames.filter((one) => one.startsWith(METADATA))) {
    const value = header(name) ?? '';
    metadataBytes += name.length - METADATA.length + Buffer.byteLength(value);
    headers[name] = value;
  }
  if (metadataBytes > MAX_METADATA_BYTES) throw new S3Error('MetadataTooLarge');
  return headers;
}

/** Builds the response headers that describe an object. */
export function describeObject(object: StoredObject, { header, query }: S3Request): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const [name, value] of query) {
    const [, overridden] = /^response-([a-z-]+)$/.exec(name) ?? [];
    if (overridden === undefined) continue;
    if (/[^\t -~\u00a0-\u00ff]/.test(value))
      throw new S3Error('InvalidArgument', 'Header value cannot be represented using ISO-8859-1.');
    overrides[overridden] = value;
  }
  const { checksum } = object;
  return {
    ...object.headers,
    ...overrides,
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    ...(checksum &&
    header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' &&
    header('range') === undefined
      ? { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type }
      : {}),
  };
}

/** Reads the checksum algorithm that a CopyObject or CreateMultipartUpload requests. */
export function readChecksumAlgorithm({ header }: S3Request): ChecksumAlgorithm | undefined {
  const name = header('x-amz-checksum-algorithm')?.toUpperCase();
  if (name === undefined || isChecksumAlgorithm(name)) return name;
  throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.');
}

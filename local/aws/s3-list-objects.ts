import type { Bucket, StoredObject } from './s3-bucket.ts';
import { S3Error } from './s3-errors.ts';
import { readNumber, type S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';

const PAGE = 1000;
export const OWNER = { ID: 'local' };

/** ListObjectsV2. */
export function listObjectsV2(bucket: Bucket, request: S3Request): S3Response {
  const { query } = request;
  const listing = readListing(request);
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  const page = findPage(bucket, listing, token === null ? { key: startAfter } : readToken(token));
  return xmlResponse('ListBucketResult', {
    ...describePage(request, listing, page, query.get('fetch-owner') === 'true'),
    StartAfter: startAfter === '' ? undefined : listing.encode(startAfter),
    ContinuationToken: token ?? undefined,
    KeyCount: page.contents.length + page.prefixes.length,
    NextContinuationToken: page.isTruncated && page.last ? writeToken(page.last) : undefined,
  });
}

/** The older ListObjects, which boto3's `Bucket.objects` uses. */
export function listObjects(bucket: Bucket, request: S3Request): S3Response {
  const listing = readListing(request);
  const { prefix, delimiter, encode } = listing;
  const marker = request.query.get('marker') ?? '';
  const isPrefix =
    delimiter !== '' &&
    marker.startsWith(prefix) &&
    marker.indexOf(delimiter, prefix.length) === marker.length - delimiter.length;
  const page = findPage(bucket, listing, isPrefix ? { prefix: marker } : { key: marker });
  const { last } = page;
  const next = last && ('key' in last ? last.key : last.prefix);
  return xmlResponse('ListBucketResult', {
    ...describePage(request, listing, page, true),
    Marker: encode(marker),
    // Without a delimiter, S3 expects clients to use the last key.
    NextMarker: page.isTruncated && delimiter !== '' && next !== undefined ? encode(next) : undefined,
  });
}

interface Listing {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly encode: (text: string) => string;
}

function readListing(request: S3Request): Listing {
  const { query } = request;
  const encoding = query.get('encoding-type');
  if (encoding !== null && encoding !== 'url')
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
  const limit = readNumber(request, 'max-keys', { min: 0, max: 2 ** 31 - 1, byDefault: PAGE });
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(limit, PAGE),
    encode: encoding === 'url' ? encodeURIComponent : (text) => text,
  };
}

interface Page {
  readonly contents: readonly StoredObject[];
  readonly prefixes: readonly string[];
  readonly last: Position | undefined;
  readonly isTruncated: boolean;
}

function findPage(bucket: Bucket, { prefix, delimiter, maxKeys }: Listing, after: Position): Page {
  const contents: StoredObject[] = [];
  const prefixes = new Set<string>();
  let last: Position | undefined;
  let isTruncated = false;
  for (const object of sortByKey(bucket.objects().filter(({ key }) => key.startsWith(prefix)))) {
    const { key } = object;
    if (isUpTo(key, after)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    if (common !== undefined && prefixes.has(common)) continue;
    if (contents.length + prefixes.size >= maxKeys) {
      isTruncated = maxKeys > 0;
      break;
    }
    if (common === undefined) contents.push(object);
    else prefixes.add(common);
    last = common === undefined ? { key } : { prefix: common };
  }
  return { contents, prefixes: [...prefixes], last, isTruncated };
}

function describePage(
  { bucket: name, query }: S3Request,
  { prefix, delimiter, maxKeys, encode }: Listing,
  { contents, prefixes, isTruncated }: Page,
  withOwner: boolean,
) {
  return {
    Name: name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    EncodingType: query.get('encoding-type') ?? undefined,
    MaxKeys: maxKeys,
    IsTruncated: isTruncated,
    Contents: contents.map(({ key, etag, lastModified, sizeBytes, checksum }) => ({
      Key: encode(key),
      LastModified: lastModified,
      ETag: `"${etag}"`,
      ChecksumAlgorithm: checksum?.algorithm,
      ChecksumType: checksum?.type,
      Size: sizeBytes,
      StorageClass: 'STANDARD',
      Owner: withOwner ? OWNER : undefined,
    })),
    CommonPrefixes: prefixes.map((one) => ({ Prefix: encode(one) })),
  };
}

/** The end of a page: a key, or a common prefix with everything under it. */
type Position = { readonly key: string } | { readonly prefix: string };

const isUpTo = (key: string, after: Position): boolean =>
  'prefix' in after
    ? key.startsWith(after.prefix) || compareBytes(key, after.prefix) < 0
    : compareBytes(key, after.key) <= 0;

const writeToken = (position: Position): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

function readToken(token: string): Position {
  try {
    const position: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (typeof position === 'object' && position !== null) {
      if ('key' in position) return { key: String(position.key) };
      if ('prefix' in position) return { prefix: String(position.prefix) };
    }
  } catch {
    // Falls through to the error below.
  }
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
}

/** S3 sorts by UTF-8 bytes, which differs from JavaScript's UTF-16 order beyond the basic plane. */
const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const sortByKey = (objects: readonly StoredObject[]): StoredObject[] =>
  objects.toSorted((a, b) => compareBytes(a.key, b.key));

import { readDocument } from './s3-body.ts';
import type { Bucket, StoredObject } from './s3-bucket.ts';
import { S3Error } from './s3-errors.ts';
import { readNumber, type S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import { readXmlElements, type XmlElements } from './s3-xml.ts';

const PAGE = 1000;

/** ListObjectsV2. */
export function listObjects(bucket: Bucket, request: S3Request): S3Response {
  const { bucket: name, query } = request;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  const after: Position = token === null ? { key: startAfter } : readToken(token);
  const limit = readNumber(request, 'max-keys', { min: 0, max: 2 ** 31 - 1, byDefault: PAGE });
  const maxKeys = Math.min(limit, PAGE);
  const encode = query.get('encoding-type') === 'url' ? encodeURIComponent : (text: string) => text;

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

  return xmlResponse('ListBucketResult', {
    Name: name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    StartAfter: startAfter === '' ? undefined : encode(startAfter),
    ContinuationToken: token ?? undefined,
    EncodingType: query.get('encoding-type') ?? undefined,
    MaxKeys: maxKeys,
    KeyCount: contents.length + prefixes.size,
    IsTruncated: isTruncated,
    NextContinuationToken: isTruncated && last ? writeToken(last) : undefined,
    Contents: contents.map(({ key, etag, lastModified, sizeBytes, checksum }) => ({
      Key: encode(key),
      LastModified: lastModified,
      ETag: `"${etag}"`,
      ChecksumAlgorithm: checksum?.algorithm,
      ChecksumType: checksum?.type,
      Size: sizeBytes,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: [...prefixes].map((one) => ({ Prefix: encode(one) })),
  });
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

/** DeleteObjects. Deletes the keys one by one. */
export async function deleteObjects(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const xml = await readDocument(request);
  const keys = readXmlElements(xml, 'Object').map((element) => element.get('Key'));
  if (keys.length === 0 || keys.length > PAGE) throw new S3Error('MalformedXML');
  const deleted: XmlElements[] = [];
  for (const key of keys) {
    if (key === undefined) throw new S3Error('MalformedXML');
    await bucket.delete(key, () => {});
    deleted.push({ Key: key });
  }
  return xmlResponse('DeleteResult', /<Quiet>true<\/Quiet>/.test(xml) ? {} : { Deleted: deleted });
}

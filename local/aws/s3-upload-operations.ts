import { createHash } from 'node:crypto';
import { openBody, readDocument } from './s3-body.ts';
import type { Bucket, NewObject, StoredPart, StoredUpload } from './s3-bucket.ts';
import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  type ChecksumAlgorithm,
  checksumHeader,
  compositeChecksum,
  startChecksum,
} from './s3-checksum.ts';
import { bareEtag, checkCopyConditions, readWriteCondition } from './s3-conditions.ts';
import { S3Error } from './s3-errors.ts';
import { readChecksumAlgorithm, readObjectHeaders } from './s3-headers.ts';
import { type Created, copyBytes } from './s3-object-operations.ts';
import { readNumber, type S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import { childrenOf, readXml, textsOf } from './s3-xml.ts';

const MIN_PART_BYTES = 5 * 1024 ** 2;
const MAX_PARTS = 10_000;
const PAGE = 1000;

const uploadId = ({ query }: S3Request): string => query.get('uploadId') ?? '';

export async function createUpload(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const { bucket: name, header, key } = request;
  const algorithm = readChecksumAlgorithm(request);
  const type = header('x-amz-checksum-type');
  if (type !== undefined && (algorithm === undefined || !['FULL_OBJECT', 'COMPOSITE'].includes(type)))
    throw new S3Error('InvalidRequest', 'The x-amz-checksum-type needs an x-amz-checksum-algorithm.');
  if (type === 'COMPOSITE' && algorithm === 'CRC64NVME')
    throw new S3Error('InvalidRequest', 'The COMPOSITE checksum type cannot be used with CRC64NVME.');
  const isWhole = type === 'FULL_OBJECT' || algorithm === 'CRC64NVME';
  const checksum: StoredUpload['checksum'] = algorithm && {
    algorithm,
    type: isWhole ? 'FULL_OBJECT' : 'COMPOSITE',
  };
  if (isWhole && algorithm?.startsWith('SHA'))
    throw new S3Error('InvalidRequest', `The FULL_OBJECT checksum type cannot be used with ${algorithm}.`);
  const { id } = await bucket.createUpload({ key, headers: readObjectHeaders(request), checksum });
  return {
    ...xmlResponse('InitiateMultipartUploadResult', { Bucket: name, Key: key, UploadId: id }),
    headers: {
      'content-type': 'application/xml',
      ...(checksum && {
        'x-amz-checksum-algorithm': checksum.algorithm,
        'x-amz-checksum-type': checksum.type,
      }),
    },
  };
}

export async function putPart(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const { key } = request;
  const partNumber = readNumber(request, 'partNumber', { min: 1, max: MAX_PARTS, byDefault: 0 });
  const { id, checksum: wanted } = bucket.upload(key, uploadId(request));
  const body = openBody(request);
  checkPartAlgorithm(wanted, body.algorithm);
  const piece = await bucket.writePiece(body.bytes);
  const [etag, checksum] = [body.md5(), body.checksum()];
  await bucket.putPart(key, id, { partNumber, etag, piece, checksum: wanted && checksum });
  return {
    status: 200,
    headers: {
      etag: `"${etag}"`,
      ...(checksum && { [checksumHeader(checksum.algorithm)]: checksum.value }),
    },
  };
}

/** UploadPartCopy: a part from an object, or from a range of its bytes. */
export async function copyPart(
  bucket: Bucket,
  request: S3Request,
  source: { readonly bucket: Bucket; readonly key: string },
): Promise<S3Response> {
  const { header, key } = request;
  const partNumber = readNumber(request, 'partNumber', { min: 1, max: MAX_PARTS, byDefault: 0 });
  const { id, checksum: wanted } = bucket.upload(key, uploadId(request));
  const original = source.bucket.get(source.key);
  if (original === undefined) throw new S3Error('NoSuchKey');
  checkCopyConditions(header, original);
  const given = header('x-amz-copy-source-range');
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(given ?? '') ?? [];
  if (given !== undefined && !(Number(first) <= Number(last) && Number(last) < original.sizeBytes))
    throw new S3Error(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last, with bytes that the source has.',
    );
  const range = given === undefined ? undefined : { start: Number(first), end: Number(last) };
  const { piece, etag, checksum } = await copyBytes(
    bucket,
    source.bucket.read(original.pieces, range),
    wanted?.algorithm,
  );
  await bucket.putPart(key, id, { partNumber, etag, piece, checksum });
  return xmlResponse('CopyPartResult', {
    LastModified: new Date().toISOString(),
    ETag: `"${etag}"`,
    ...(checksum && { [`Checksum${checksum.algorithm}`]: checksum.value }),
  });
}

/**
 * Requires the upload's checksum algorithm for every part. If the upload has none, a part's checksum is verified and
 * returned, but not stored.
 */
function checkPartAlgorithm(wanted: StoredUpload['checksum'], given: ChecksumAlgorithm | undefined): void {
  if (wanted === undefined || wanted.algorithm === given) return;
  if (wanted.type === 'FULL_OBJECT' && given === undefined) return;
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${wanted.algorithm.toLowerCase()}, actual checksum Type: ${given?.toLowerCase() ?? 'null'}`,
  );
}

export async function completeUpload(bucket: Bucket, request: S3Request): Promise<Created> {
  const { bucket: name, header, key } = request;
  const condition = readWriteCondition(header);
  // A checksum header here belongs to the object, not to this document.
  const document = {
    ...request,
    header: (name: string) => (isChecksumHeader(name) ? undefined : header(name)),
  };
  const root = readXml(await readDocument(document), 'CompleteMultipartUpload');
  const listed = childrenOf(root, ['Part']).map((part) => textsOf(part, PART_ELEMENTS));
  if (listed.length === 0) throw new S3Error('MalformedXML');
  const object = await bucket.completeUpload(
    key,
    uploadId(request),
    async (upload) => {
      const parts = chooseParts(upload, listed);
      const sizeBytes = parts.reduce((sum, { piece }) => sum + piece.sizeBytes, 0);
      if (Number(header('x-amz-mp-object-size') ?? sizeBytes) !== sizeBytes)
        throw new S3Error(
          'InvalidRequest',
          `The provided 'x-amz-mp-object-size' header does not match what was computed: ${sizeBytes}.`,
        );
      return {
        pieces: parts.map(({ piece }) => piece),
        etag: etagOfParts(parts),
        headers: upload.headers,
        checksum: await checksumOfParts(bucket, upload, parts, request),
      };
    },
    condition,
  );
  return {
    object,
    response: xmlResponse('CompleteMultipartUploadResult', {
      Location: `/${name}/${encodeURIComponent(key)}`,
      Bucket: name,
      Key: key,
      ETag: `"${object.etag}"`,
      ...(object.checksum && {
        [`Checksum${object.checksum.algorithm}`]: object.checksum.value,
        ChecksumType: object.checksum.type,
      }),
    }),
  };
}

const PART_ELEMENTS = ['PartNumber', 'ETag', ...CHECKSUM_ALGORITHMS.map((one) => `Checksum${one}`)];

const isChecksumHeader = (name: string): boolean => name.startsWith('x-amz-checksum-');

function chooseParts(upload: StoredUpload, listed: readonly ReadonlyMap<string, string>[]): StoredPart[] {
  const numbers = listed.map((element) => Number(element.get('PartNumber')));
  if (numbers.some((number, index) => !(number > (numbers[index - 1] ?? 0))))
    throw new S3Error('InvalidPartOrder');
  return listed.map((element, index) => {
    const partNumber = numbers[index];
    const part = upload.parts.find((one) => one.partNumber === partNumber);
    if (part === undefined || part.etag !== bareEtag(element.get('ETag') ?? ''))
      throw new S3Error('InvalidPart');
    checkListedChecksum(upload, part, element);
    if (index < listed.length - 1 && part.piece.sizeBytes < MIN_PART_BYTES)
      throw new S3Error('EntityTooSmall');
    return part;
  });
}

/** Compares a listed part's checksum with the stored one. A COMPOSITE upload requires it. */
function checkListedChecksum(
  { checksum: wanted }: StoredUpload,
  { partNumber, checksum }: StoredPart,
  listed: ReadonlyMap<string, string>,
): void {
  const given = [...listed].filter(([field]) => field.startsWith('Checksum'));
  if (given.some(([field, value]) => field !== `Checksum${checksum?.algorithm}` || value !== checksum?.value))
    throw new S3Error('InvalidPart');
  if (wanted?.type === 'COMPOSITE' && given.length === 0)
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using a ${wanted.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
    );
}

/** The MD5 of the parts' MD5s, followed by their number. */
function etagOfParts(parts: readonly StoredPart[]): string {
  const md5 = createHash('md5');
  for (const { etag } of parts) md5.update(Buffer.from(etag, 'hex'));
  return `${md5.digest('hex')}-${parts.length}`;
}

async function checksumOfParts(
  bucket: Bucket,
  { checksum: wanted }: StoredUpload,
  parts: readonly StoredPart[],
  { header }: S3Request,
): Promise<NewObject['checksum']> {
  const unwanted = CHECKSUM_ALGORITHMS.find(
    (one) => one !== wanted?.algorithm && header(checksumHeader(one)) !== undefined,
  );
  const type = header('x-amz-checksum-type') ?? wanted?.type;
  if (unwanted !== undefined || type !== wanted?.type)
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the checksum ${wanted ? `${wanted.algorithm} of the type ${wanted.type}` : 'null'}.`,
    );
  if (wanted === undefined) return undefined;
  const { algorithm } = wanted;
  const checksum =
    wanted.type === 'COMPOSITE'
      ? compositeChecksum(
          algorithm,
          parts.map((part) => part.checksum?.value ?? ''),
        )
      : await wholeChecksum(bucket, algorithm, parts);
  if ((header(checksumHeader(algorithm)) ?? checksum.value) !== checksum.value)
    throw new S3Error('BadDigest');
  return checksum;
}

async function wholeChecksum(
  bucket: Bucket,
  algorithm: ChecksumAlgorithm,
  parts: readonly StoredPart[],
): Promise<Checksum> {
  const running = startChecksum(algorithm);
  for await (const chunk of bucket.read(parts.map(({ piece }) => piece))) running.update(chunk);
  return { algorithm, value: running.digest(), type: 'FULL_OBJECT' };
}

export async function abortUpload(bucket: Bucket, request: S3Request): Promise<S3Response> {
  await bucket.abortUpload(request.key, uploadId(request));
  return { status: 204 };
}

export function listParts(bucket: Bucket, request: S3Request): S3Response {
  const { bucket: name, key } = request;
  const { id, parts, checksum } = bucket.upload(key, uploadId(request));
  const marker = readNumber(request, 'part-number-marker', { min: 0, max: 2 ** 31 - 1, byDefault: 0 });
  const maxParts = Math.min(
    readNumber(request, 'max-parts', { min: 0, max: 2 ** 31 - 1, byDefault: PAGE }),
    PAGE,
  );
  const left = parts.filter(({ partNumber }) => partNumber > marker);
  const page = left.slice(0, maxParts);
  return xmlResponse('ListPartsResult', {
    Bucket: name,
    Key: key,
    UploadId: id,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
    MaxParts: maxParts,
    IsTruncated: left.length > page.length,
    StorageClass: 'STANDARD',
    ChecksumAlgorithm: checksum?.algorithm,
    ChecksumType: checksum?.type,
    Part: page.map((part) => ({
      PartNumber: part.partNumber,
      LastModified: part.lastModified,
      ETag: `"${part.etag}"`,
      Size: part.piece.sizeBytes,
      ...(part.checksum && { [`Checksum${part.checksum.algorithm}`]: part.checksum.value }),
    })),
  });
}

/** Lists uploads sorted by key, then by age. Does not support common prefixes (`delimiter`). */
export function listUploads(bucket: Bucket, request: S3Request): S3Response {
  const { bucket: name, query } = request;
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const maxUploads = Math.min(
    readNumber(request, 'max-uploads', { min: 1, max: 2 ** 31 - 1, byDefault: PAGE }),
    PAGE,
  );
  const sorted = bucket
    .uploads()
    .filter(({ key }) => key.startsWith(prefix))
    .toSorted(
      (a, b) =>
        Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.initiated.localeCompare(b.initiated),
    );
  const markerAt = sorted.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  const left =
    markerAt >= 0
      ? sorted.slice(markerAt + 1)
      : sorted.filter(({ key }) => Buffer.compare(Buffer.from(key), Buffer.from(keyMarker)) > 0);
  const page = left.slice(0, maxUploads);
  const isTruncated = left.length > page.length;
  return xmlResponse('ListMultipartUploadsResult', {
    Bucket: name,
    Prefix: prefix,
    KeyMarker: keyMarker,
    UploadIdMarker: idMarker,
    NextKeyMarker: isTruncated ? page.at(-1)?.key : undefined,
    NextUploadIdMarker: isTruncated ? page.at(-1)?.id : undefined,
    MaxUploads: maxUploads,
    IsTruncated: isTruncated,
    Upload: page.map(({ key, id, initiated, checksum }) => ({
      Key: key,
      UploadId: id,
      Initiated: initiated,
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: checksum?.algorithm,
      ChecksumType: checksum?.type,
    })),
  });
}

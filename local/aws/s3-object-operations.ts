import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { openBody, type VerifiedBody } from './s3-body.ts';
import type { Bucket, Piece, StoredObject } from './s3-bucket.ts';
import { type Checksum, type ChecksumAlgorithm, checksumHeader, startChecksum } from './s3-checksum.ts';
import { checkCopyConditions, checkReadConditions, readWriteCondition } from './s3-conditions.ts';
import { S3Error } from './s3-errors.ts';
import { describeObject, readChecksumAlgorithm, readObjectHeaders } from './s3-headers.ts';
import { parseRange } from './s3-range.ts';
import type { S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';

/** A created object and the response, for the notification. */
export interface Created {
  readonly response: S3Response;
  readonly object: StoredObject;
}

/** GetObject and HeadObject. */
export function readObject(bucket: Bucket, request: S3Request): S3Response {
  const { header, key, method } = request;
  const object = bucket.get(key);
  if (object === undefined) throw new S3Error('NoSuchKey');
  checkReadConditions(header, object);
  const range = parseRange(header('range'), object.sizeBytes);
  const lengthBytes = range ? range.end - range.start + 1 : object.sizeBytes;
  const contentRange = range && `bytes ${range.start}-${range.end}/${object.sizeBytes}`;
  return {
    status: range ? 206 : 200,
    headers: {
      ...describeObject(object, request),
      'content-length': String(lengthBytes),
      ...(contentRange && { 'content-range': contentRange }),
    },
    ...(method === 'GET' && { body: bucket.read(object.pieces, range) }),
  };
}

export function putObject(bucket: Bucket, request: S3Request): Promise<Created> {
  return storeBody(bucket, request, openBody(request));
}

/** Stores a body under the headers of its request. */
export async function storeBody(
  bucket: Bucket,
  request: Pick<S3Request, 'header' | 'headerNames' | 'key'>,
  body: VerifiedBody,
): Promise<Created> {
  const { header, key } = request;
  const condition = readWriteCondition(header);
  const headers = readObjectHeaders(request);
  const piece = await bucket.writePiece(body.bytes);
  const checksum = body.checksum();
  const object = await bucket.put(key, { pieces: [piece], etag: body.md5(), headers, checksum }, condition);
  return {
    object,
    response: {
      status: 200,
      headers: {
        etag: `"${object.etag}"`,
        ...(checksum && {
          [checksumHeader(checksum.algorithm)]: checksum.value,
          'x-amz-checksum-type': checksum.type,
        }),
      },
    },
  };
}

/** Parses the source of a CopyObject: `/bucket/key`, URL-encoded. */
export function parseCopySource(source: string): { bucket: string; key: string } {
  const [, bucket, key] = /^\/?([^/]+)\/([^?]+)(?:\?versionId=null)?$/s.exec(source) ?? [];
  if (bucket === undefined || key === undefined)
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: bucket/key');
  try {
    return { bucket, key: decodeURIComponent(key) };
  } catch {
    throw new S3Error('InvalidArgument', 'Invalid copy source encoding.');
  }
}

export async function copyObject(
  bucket: Bucket,
  request: S3Request,
  source: { readonly bucket: Bucket; readonly key: string },
): Promise<Created> {
  const { header, key } = request;
  const condition = readWriteCondition(header);
  const isReplacing = header('x-amz-metadata-directive')?.toUpperCase() === 'REPLACE';
  const original = source.bucket.get(source.key);
  if (original === undefined) throw new S3Error('NoSuchKey');
  checkCopyConditions(header, original);
  if (source.bucket === bucket && source.key === key && !isReplacing)
    throw new S3Error(
      'InvalidRequest',
      'This copy request is illegal because it is trying to copy an object to itself without changing it.',
    );
  const headers = isReplacing ? readObjectHeaders(request) : original.headers;
  const algorithm = readChecksumAlgorithm(request) ?? original.checksum?.algorithm;
  const { piece, etag, checksum } = await copyBytes(bucket, source.bucket.read(original.pieces), algorithm);
  const object = await bucket.put(key, { pieces: [piece], etag, headers, checksum }, condition);
  const { etag: ETag, lastModified: LastModified } = object;
  return { object, response: xmlResponse('CopyObjectResult', { LastModified, ETag: `"${ETag}"` }) };
}

/** Copies bytes of another object into a new piece. */
export async function copyBytes(
  bucket: Bucket,
  bytes: Readable,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<{ readonly piece: Piece; readonly etag: string; readonly checksum: Checksum | undefined }> {
  const running = algorithm && startChecksum(algorithm);
  const md5 = createHash('md5');
  const piece = await bucket
    .writePiece(
      (async function* () {
        for await (const chunk of bytes as AsyncIterable<Buffer>) {
          md5.update(chunk);
          running?.update(chunk);
          yield chunk;
        }
      })(),
    )
    .finally(() => bytes.destroy());
  return {
    piece,
    etag: md5.digest('hex'),
    checksum: algorithm && running && { algorithm, value: running.digest(), type: 'FULL_OBJECT' },
  };
}

/** DeleteObject. Succeeds even if the object does not exist. */
export async function deleteObject(bucket: Bucket, { header, key }: S3Request): Promise<S3Response> {
  await bucket.delete(key, readWriteCondition(header));
  return { status: 204 };
}

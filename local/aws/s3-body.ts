import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  type ChecksumAlgorithm,
  checksumHeader,
  startChecksum,
} from './s3-checksum.ts';
import { decodeAwsChunked } from './s3-chunked.ts';
import { S3Error } from './s3-errors.ts';
import type { S3Request } from './s3-request.ts';

const MAX_BODY_BYTES = 5 * 1024 ** 3;
const MAX_DOCUMENT_BYTES = 4 * 1024 ** 2;

/** The body of a request, verified while it is read. */
export interface VerifiedBody {
  /** @throws {S3Error} At the end, if the client's size, hash or checksum does not match. */
  readonly bytes: AsyncIterable<Buffer>;
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** In lower-case hex. Available after the last byte. */
  readonly md5: () => string;
  /** The client's checksum. Available after the last byte. */
  readonly checksum: () => Checksum | undefined;
}

/** Opens a body and verifies the client's Content-MD5, SHA-256, and checksum header or trailer. */
export function openBody(request: S3Request): VerifiedBody {
  const { header, incoming } = request;
  const payloadHash = header('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const isChunked = payloadHash.startsWith('STREAMING-') || /\baws-chunked\b/.test(contentEncoding(request));
  const length = header(isChunked ? 'x-amz-decoded-content-length' : 'content-length');
  if (length === undefined && isChunked) throw new S3Error('MissingContentLength');
  if (length === undefined && incoming.headers['transfer-encoding'] !== undefined)
    throw new S3Error('NotImplemented', 'A body needs a Content-Length; Transfer-Encoding is not supported.');
  const sizeBytes = Number(length ?? 0);
  if (sizeBytes > MAX_BODY_BYTES) throw new S3Error('EntityTooLarge');

  const algorithm = CHECKSUM_ALGORITHMS.find(
    (one) => header(checksumHeader(one)) !== undefined || header('x-amz-trailer') === checksumHeader(one),
  );
  const md5 = createHash('md5');
  const sha256 = /^[\da-f]{64}$/.test(payloadHash) ? createHash('sha256') : undefined;
  const running = algorithm && startChecksum(algorithm);
  const trailers = new Map<string, string>();
  let md5Hex = '';
  let checksum: Checksum | undefined;

  async function* read(): AsyncGenerator<Buffer> {
    const raw: AsyncIterable<Buffer> = incoming.iterator({ destroyOnReturn: false });
    let read = 0;
    for await (const bytes of isChunked ? decodeAwsChunked(raw, trailers) : raw) {
      read += bytes.length;
      if (read > sizeBytes) throw new S3Error('IncompleteBody');
      md5.update(bytes);
      sha256?.update(bytes);
      running?.update(bytes);
      yield bytes;
    }
    if (read !== sizeBytes) throw new S3Error('IncompleteBody');
    const digest = md5.digest();
    md5Hex = digest.toString('hex');
    if ((header('content-md5') ?? digest.toString('base64')) !== digest.toString('base64'))
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    if (sha256 && sha256.digest('hex') !== payloadHash) throw new S3Error('XAmzContentSHA256Mismatch');
    if (algorithm === undefined) return;
    const name = checksumHeader(algorithm);
    const given = header(name) ?? trailers.get(name);
    const value = running?.digest() ?? given;
    if (given === undefined || value !== given)
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
    checksum = { algorithm, value, type: 'FULL_OBJECT' };
  }

  return { bytes: read(), algorithm, md5: () => md5Hex, checksum: () => checksum };
}

/** Reads a request's small XML document. */
export async function readDocument(request: S3Request): Promise<string> {
  if (Number(request.header('content-length') ?? 0) > MAX_DOCUMENT_BYTES) throw new S3Error('MalformedXML');
  return (await buffer(openBody(request).bytes)).toString('utf8');
}

const contentEncoding = ({ header }: S3Request): string => header('content-encoding') ?? '';

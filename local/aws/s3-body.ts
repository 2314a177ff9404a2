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

  const trailers = new Map<string, string>();
  const raw: AsyncIterable<Buffer> = incoming.iterator({ destroyOnReturn: false });
  const expected = { header, sizeBytes, payloadHash, trailers };
  return verifyBody(isChunked ? decodeAwsChunked(raw, trailers) : raw, expected);
}

/** What the client says about a body. */
export interface ExpectedBody {
  readonly header: S3Request['header'];
  /** @default - unknown */
  readonly sizeBytes?: number;
  /** @default - unknown */
  readonly payloadHash?: string;
  /** Complete after the last byte. */
  readonly trailers?: ReadonlyMap<string, string>;
}

/** Verifies a body against what the client says about it. */
export function verifyBody(
  raw: AsyncIterable<Buffer>,
  { header, sizeBytes, payloadHash, trailers }: ExpectedBody,
): VerifiedBody {
  const algorithm = readBodyAlgorithm(header);
  const md5 = createHash('md5');
  const sha256 = /^[\da-f]{64}$/.test(payloadHash ?? '') ? createHash('sha256') : undefined;
  const running = algorithm && startChecksum(algorithm);
  let md5Hex = '';
  let checksum: Checksum | undefined;

  async function* read(): AsyncGenerator<Buffer> {
    let read = 0;
    for await (const bytes of raw) {
      read += bytes.length;
      if (sizeBytes !== undefined && read > sizeBytes) throw new S3Error('IncompleteBody');
      md5.update(bytes);
      sha256?.update(bytes);
      running?.update(bytes);
      yield bytes;
    }
    if (sizeBytes !== undefined && read !== sizeBytes) throw new S3Error('IncompleteBody');
    const digest = md5.digest();
    md5Hex = digest.toString('hex');
    if ((header('content-md5') ?? digest.toString('base64')) !== digest.toString('base64'))
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    if (sha256 && sha256.digest('hex') !== payloadHash) throw new S3Error('XAmzContentSHA256Mismatch');
    if (algorithm === undefined) return;
    const name = checksumHeader(algorithm);
    const given = header(name) ?? trailers?.get(name);
    const value = running?.digest();
    if (value === undefined || value !== given)
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
    checksum = { algorithm, value, type: 'FULL_OBJECT' };
  }

  return { bytes: read(), algorithm, md5: () => md5Hex, checksum: () => checksum };
}

/** Reads the algorithm of a body's checksum, which is in a header or follows in a trailer. */
function readBodyAlgorithm(header: S3Request['header']): ChecksumAlgorithm | undefined {
  const trailer = header('x-amz-trailer');
  const [algorithm, ...others] = CHECKSUM_ALGORITHMS.filter(
    (one) => header(checksumHeader(one)) !== undefined || trailer === checksumHeader(one),
  );
  if (others.length > 0)
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  if (trailer !== undefined && (algorithm === undefined || trailer !== checksumHeader(algorithm)))
    throw new S3Error('NotImplemented', `The embedded S3 does not support the trailer "${trailer}".`);
  const announced = header('x-amz-sdk-checksum-algorithm')?.toUpperCase();
  if (announced !== undefined && announced !== algorithm)
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  return algorithm;
}

/** Reads a request's small XML document. */
export async function readDocument(request: S3Request): Promise<string> {
  if (Number(request.header('content-length') ?? 0) > MAX_DOCUMENT_BYTES) throw new S3Error('MalformedXML');
  return (await buffer(openBody(request).bytes)).toString('utf8');
}

const contentEncoding = ({ header }: S3Request): string => header('content-encoding') ?? '';

import type { S3Client } from '@aws-sdk/client-s3';
import { clockAhead, exchange, type HttpAnswer, NoAnswerError } from '../aws/exchange.ts';
import { createRepeat, type Tried } from '../aws/retries.ts';
import { encode, signWithoutBody } from '../aws/sign.ts';
import { objectUrl } from './object-url.ts';
import { spellCrc32 } from './ordered-digest.ts';
import type { ObjectRef } from './types.ts';

export interface PartToUpload extends ObjectRef {
  readonly uploadId: string;
  /** From 1 to 10,000. */
  readonly number: number;
  readonly bytes: Buffer;
  /** CRC-32 of the bytes. S3 verifies it. */
  readonly crc: number;
}

/** What S3 has of a part. */
export interface UploadedPart {
  readonly etag: string;
  /** Base64. Absent if S3 does not repeat it. */
  readonly crc32?: string;
}

/**
 * Uploads parts as the SDK's client does, with its address, credentials, clock and retries, but not through its
 * middleware: that costs as much processor time as sending the bytes.
 * @throws {S3RefusalError} If S3 refuses the part. Its `name` is S3's code, as with the SDK's errors.
 * @throws {NoAnswerError} If S3 does not answer.
 */
export type UploadPart = (part: PartToUpload, signal: AbortSignal) => Promise<UploadedPart>;

/** S3 has refused a request. */
export class S3RefusalError extends Error {
  override readonly name: string;
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(name: string, message: string, httpStatusCode: number) {
    super(message);
    this.name = name;
    this.$metadata = { httpStatusCode };
  }
}

const CONNECT_MS = 3_000;
/** S3's errors have about 500 bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** @param stallMs - How long no byte may move, and how long S3 may think once it has all. */
export function createPartUploader(client: Pick<S3Client, 'config'>, stallMs: number): UploadPart {
  const repeat = createRepeat();
  const { config } = client;
  const limits = { connectMs: CONNECT_MS, answerMs: stallMs, stallMs, maxAnswerBytes: MAX_ANSWER_BYTES };

  async function tryOnce(part: PartToUpload, signal: AbortSignal): Promise<Tried<UploadedPart>> {
    const { number, uploadId, bytes, crc } = part;
    const { origin, host, pathname, region } = await addressOf(client, part);
    const aheadMs = config.systemClockOffset;
    const request = {
      method: 'PUT',
      path: pathname,
      query: `partNumber=${number}&uploadId=${encode(uploadId)}`,
      headers: { 'x-amz-checksum-crc32': spellCrc32(crc) },
    };
    const signed = signWithoutBody(
      { ...request, host },
      { region, credentials: await config.credentials(), at: new Date(Date.now() + aheadMs) },
    );
    const sent = {
      method: 'PUT',
      origin: new URL(origin),
      path: `${request.path}?${request.query}`,
      headers: { ...request.headers, ...signed },
      body: bytes,
    };
    try {
      const answer = await exchange(sent, limits, signal);
      const correctedMs = clockAhead(answer.headers, aheadMs);
      if (correctedMs !== undefined) config.systemClockOffset = correctedMs;
      return judge(part, answer, correctedMs !== undefined);
    } catch (error) {
      if (error instanceof NoAnswerError) return { kind: 'failed', error, fault: 'passing' };
      throw error;
    }
  }

  return async (part, signal) => {
    signal.throwIfAborted();
    return repeat(() => tryOnce(part, signal), { tries: await config.maxAttempts(), signal });
  };
}

/** Where an object is, at the endpoint of the client. */
async function addressOf({ config }: Pick<S3Client, 'config'>, object: ObjectRef) {
  const [region, own] = await Promise.all([config.region(), config.endpoint?.()]);
  const endpoint = own && `${own.protocol}//${own.hostname}${own.port ? `:${own.port}` : ''}${own.path}`;
  return { ...objectUrl(object, { region, endpoint }), region };
}

const THROTTLED =
  /^(?:SlowDown|BandwidthLimitExceeded|RequestLimitExceeded|Throttling(?:Exception)?|RequestThrottled(?:Exception)?|TooManyRequestsException)$/;
const PASSING: ReadonlySet<string> = new Set(['TimeoutError', 'RequestTimeout', 'RequestTimeoutException']);

function judge(
  { key, bucket, number }: PartToUpload,
  { statusCode, headers, text }: HttpAnswer,
  isClockCorrected: boolean,
): Tried<UploadedPart> {
  const { etag } = headers;
  const crc32 = headers['x-amz-checksum-crc32'];
  if (statusCode === 200 && etag !== undefined)
    return { kind: 'answered', output: { etag, ...(typeof crc32 === 'string' && { crc32 }) } };
  const name = elementOf(text, 'Code') ?? `Status${statusCode}`;
  const region = headers['x-amz-bucket-region'];
  const isElsewhere = statusCode >= 300 && statusCode < 400;
  const why = isElsewhere
    ? `the bucket "${bucket}" is in another region${typeof region === 'string' ? `, ${region}` : ''}`
    : elementOf(text, 'Message');
  const said = [`S3 answered ${statusCode} ${name}`, why].filter(Boolean).join(': ');
  const message = `Cannot store part ${number} of "${key}": ${said}`;
  const isThrottled = statusCode === 429 || THROTTLED.test(name);
  const isPassing =
    // A success that says nothing of the part is as good as no answer.
    statusCode < 300 || [500, 502, 503, 504].includes(statusCode) || PASSING.has(name) || isClockCorrected;
  return {
    kind: 'failed',
    error: new S3RefusalError(name, message, statusCode),
    fault: isThrottled ? 'throttled' : isPassing ? 'passing' : 'lasting',
    askedMs: Number(headers['x-amz-retry-after'] ?? Number(headers['retry-after']) * 1_000) || 0,
  };
}

const MAX_TEXT = 500;

/** The text of the first element with this name in an XML document. */
function elementOf(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  const end = xml.indexOf(`</${name}>`, start);
  return start < 0 || end < 0
    ? undefined
    : xml.slice(start + name.length + 2, Math.min(end, start + MAX_TEXT));
}

import { isUtf8 } from 'node:buffer';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import { RequestError } from '../generation/errors.ts';
import { readJson } from '../request/read-json.ts';

export interface RequestBody {
  /** The unparsed bytes. */
  readonly body: Buffer;
  /** Whether Lambda replaced what was not UTF-8. @default false */
  readonly isDamaged?: boolean;
}

/**
 * Takes the body from an event. Lambda passes JSON on as text, in which U+FFFD replaces bytes that are not UTF-8. That
 * changes the length, which the header still has. So a text with a U+FFFD of its own is not damaged. Three bytes of a
 * character of four are as long as their replacement: a text that is cut there passes.
 */
export function bodyOf({
  body = '',
  isBase64Encoded,
  headers = {},
}: Partial<LambdaFunctionURLEvent>): RequestBody {
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  const sentBytes = Number(headers['content-length'] ?? bytes.length);
  return { body: bytes, isDamaged: bytes.length !== sentBytes && body.includes('\ufffd') };
}

const LARGEST_BODY_BYTES = 1024 * 1024;

/**
 * Parses the JSON in the body of a request.
 * @param remedy - What to send instead of something else, for example `{"force": true}`.
 * @throws {RequestError} If it is too large or no JSON.
 */
export function parseBody({ body, isDamaged = false }: RequestBody, remedy: string): unknown {
  if (body.length > LARGEST_BODY_BYTES) {
    throw new RequestError(
      'request_too_large',
      `The request has ${body.length} bytes, and the limit is ${LARGEST_BODY_BYTES} (1 MB): put large inputs into the input bucket and name them.`,
    );
  }
  if (isDamaged || !isUtf8(body))
    throw new RequestError(
      'invalid_request',
      'The body is not JSON in UTF-8: encode it as UTF-8, uncompressed.',
    );
  const read = readJson(body.toString('utf8'), { what: 'The body', remedy });
  if (read.kind === 'read') return read.value;
  throw new RequestError('invalid_request', read.message);
}

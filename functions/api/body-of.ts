import type { LambdaFunctionURLEvent } from 'aws-lambda';
import type { RequestBody } from './read-body.ts';

/**
 * Takes the body from an event. Lambda passes JSON on as text, in which U+FFFD replaces bytes that are not UTF-8. That
 * changes the length, which the header still has. So a text with a U+FFFD of its own is not damaged.
 */
export function bodyOf({
  body = '',
  isBase64Encoded,
  headers,
}: Pick<LambdaFunctionURLEvent, 'body' | 'isBase64Encoded' | 'headers'>): RequestBody {
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  const lengthSent = headers['content-length'];
  const isDamaged =
    !isBase64Encoded &&
    lengthSent !== undefined &&
    bytes.length !== Number(lengthSent) &&
    body.includes('\ufffd');
  return { body: bytes, isDamaged };
}

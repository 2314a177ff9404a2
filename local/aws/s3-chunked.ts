import { S3Error } from './s3-errors.ts';

const CRLF = Buffer.from('\r\n');
const MAX_LINE_BYTES = 8192;

/**
 * Decodes an `aws-chunked` body: `size-in-hex[;chunk-signature=…]`, bytes, …, `0`, trailers.
 * @param trailers - Receives the trailers by lower-case name.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const source = body[Symbol.asyncIterator]();
  let pending: Buffer = Buffer.alloc(0);

  const more = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done) return false;
    pending = pending.length === 0 ? value : Buffer.concat([pending, value]);
    return true;
  };
  const readLine = async (): Promise<string | undefined> => {
    for (;;) {
      const end = pending.indexOf(CRLF);
      if (end >= 0) {
        const line = pending.toString('latin1', 0, end);
        pending = pending.subarray(end + CRLF.length);
        return line;
      }
      if (pending.length > MAX_LINE_BYTES) throw malformed();
      if (!(await more())) {
        if (pending.length > 0) throw malformed();
        return undefined;
      }
    }
  };

  for (;;) {
    const header = await readLine();
    const [, hex] = /^([\da-f]{1,8})(?:;.*)?$/i.exec(header ?? '') ?? [];
    if (hex === undefined) throw malformed();
    let left = Number.parseInt(hex, 16);
    if (left === 0) break;
    while (left > 0) {
      if (pending.length === 0 && !(await more())) throw malformed();
      const bytes = pending.subarray(0, left);
      pending = pending.subarray(bytes.length);
      left -= bytes.length;
      yield bytes;
    }
    if ((await readLine()) !== '') throw malformed();
  }
  for (let line = await readLine(); line !== undefined; line = await readLine()) {
    const [, name, value] = /^([^:]+):(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) trailers.set(name.toLowerCase(), value.trim());
  }
}

const malformed = () => new S3Error('IncompleteBody', 'The aws-chunked body ends early or is malformed.');

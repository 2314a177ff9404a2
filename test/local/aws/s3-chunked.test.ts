import { describe, expect, it } from 'vitest';
import { decodeAwsChunked } from '../../../local/aws/s3-chunked.ts';

const BODY =
  '5\r\nhello\r\n' +
  '2;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n\r\n\r\n' +
  '0\r\nx-amz-checksum-crc32:NhCmhg==\r\nX-Other: 1\r\n\r\n';

async function decode(...chunks: string[]) {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const trailers = new Map<string, string>();
  let text = '';
  for await (const bytes of decodeAwsChunked(source(), trailers)) text += bytes.toString();
  return { text, trailers: Object.fromEntries(trailers) };
}

describe('aws-chunked', () => {
  it('is decoded for any split into chunks', async () => {
    const expected = {
      text: 'hello\r\n',
      trailers: { 'x-amz-checksum-crc32': 'NhCmhg==', 'x-other': '1' },
    };

    for (let cut = 0; cut <= BODY.length; cut += 1)
      expect(await decode(BODY.slice(0, cut), BODY.slice(cut))).toEqual(expected);
    expect(await decode(...BODY)).toEqual(expected);
  });

  it('may be empty', async () => {
    expect(await decode('0\r\n\r\n')).toEqual({ text: '', trailers: {} });
  });

  it.each([
    ['nothing', ''],
    ['no size', 'hello\r\n'],
    ['an end in a chunk', '5\r\nhel'],
    ['no end', '5\r\nhello\r\n'],
    ['more than its size', '5\r\nhello!\r\n0\r\n\r\n'],
    ['an end in a trailer', '0\r\nx-amz-checks'],
  ])('with %s is refused', async (_, body) => {
    await expect(decode(body)).rejects.toMatchObject({ code: 'IncompleteBody' });
  });
});

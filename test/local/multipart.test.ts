import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multipartBoundary, parseMultipart } from '../../local/multipart.ts';

async function* inPieces(body: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let piece = 0; at < body.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? 1;
    yield body.subarray(at, at + size);
    at += size;
  }
}

async function readAll(body: AsyncIterable<Buffer>, boundary: string) {
  const parts = [];
  for await (const { name, fileName, contentType, content } of parseMultipart(body, boundary)) {
    const chunks = [];
    for await (const chunk of content) chunks.push(chunk);
    parts.push({ name, fileName, contentType, bytes: Buffer.concat(chunks) });
  }
  return parts;
}

describe('a multipart body', () => {
  it('is read the same for any split into chunks and any file content', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ name: fc.stringMatching(/^[a-z0-9]{1,9}$/), bytes: fc.uint8Array({ maxLength: 300 }) }),
          {
            maxLength: 5,
          },
        ),
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 5 }),
        async (files, sizes) => {
          const form = new FormData();
          // Lines that begin like a boundary could confuse a parser.
          for (const { name, bytes } of files)
            form.append(name, new File(['\r\n--', new Uint8Array(bytes), '\r\n-'], `${name}.bin`));
          const { headers, body } = await encode(form);

          const parts = await readAll(inPieces(body, sizes), multipartBoundary(headers) ?? '');

          expect(parts.map(({ name, fileName, bytes }) => [name, fileName, bytes.toString('hex')])).toEqual(
            files.map(({ name, bytes }) => [
              name,
              `${name}.bin`,
              `0d0a2d2d${Buffer.from(bytes).toString('hex')}0d0a2d`,
            ]),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('distinguishes fields from files, and decodes names', async () => {
    const form = new FormData();
    form.append('prompt', 'grüße\r\nall');
    form.append('file', new File(['x'], 'a"b.png', { type: 'image/png' }));
    const { headers, body } = await encode(form);

    const parts = await readAll(inPieces(body, [1]), multipartBoundary(headers) ?? '');

    expect(parts).toMatchObject([
      { name: 'prompt', fileName: undefined, bytes: Buffer.from('grüße\r\nall') },
      { name: 'file', fileName: 'a"b.png', contentType: 'image/png' },
    ]);
  });

  it('is refused if it is incomplete', async () => {
    const { headers, body } = await encode(new FormData());
    const cut = createHash('sha256').digest();

    await expect(readAll(inPieces(cut, [5]), multipartBoundary(headers) ?? '')).rejects.toThrow(
      /ends before/,
    );
    expect(body.length).toBeGreaterThan(0);
  });
});

async function encode(form: FormData) {
  const response = new Response(form);
  return {
    headers: response.headers.get('content-type') ?? '',
    body: Buffer.from(await response.arrayBuffer()),
  };
}

import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { WiroError } from '../../functions/wiro/errors.ts';
import { openMultipart } from '../../functions/wiro/multipart.ts';
import type { FileToSend } from '../../functions/wiro/types.ts';

const fileOf = (content: string, changes: Partial<FileToSend> = {}): FileToSend => ({
  name: 'a.png',
  contentType: 'image/png',
  sizeBytes: Buffer.byteLength(content),
  open: async () => Readable.from([Buffer.from(content)]),
  ...changes,
});

it('lays out fields and files, and returns the size in advance', async () => {
  const body = await openMultipart([
    { name: 'prompt', value: 'zwei Füße' },
    { name: 'steps', value: 20 },
    { name: 'list', value: ['a'] },
    { name: 'seed', value: null },
    { name: 'img', file: fileOf('PNG!') },
  ]);
  const boundary = body.contentType.replace('multipart/form-data; boundary=', '');
  const bytes = await buffer(body.stream);

  expect(bytes.length).toBe(body.sizeBytes);
  expect(bytes.toString().replaceAll(boundary, 'B').split('\r\n')).toEqual([
    '--B',
    'Content-Disposition: form-data; name="prompt"',
    '',
    'zwei Füße',
    '--B',
    'Content-Disposition: form-data; name="steps"',
    '',
    '20',
    '--B',
    'Content-Disposition: form-data; name="list"',
    '',
    '["a"]',
    '--B',
    'Content-Disposition: form-data; name="seed"',
    '',
    '',
    '--B',
    'Content-Disposition: form-data; name="img"; filename="a.png"',
    'Content-Type: image/png',
    '',
    'PNG!',
    '--B--',
    '',
  ]);
});

it('lets no name, file name or content type break out of its header', async () => {
  const file = fileOf('', { name: 'x"\r\nEvil: 1.png', contentType: 'image/png\r\nEvil: 2' });
  const body = await openMultipart([{ name: 'a"\r\nEvil: 3', file }]);

  const written = await text(body.stream);

  expect(written).not.toMatch(/^Evil/m);
  expect(written).toContain('name="a%22%0D%0AEvil: 3"; filename="x-Evil-1.png"');
  expect(written).toContain('Content-Type: application/octet-stream');
});

it.each([
  ['fewer', 5, '5 bytes were declared, and it has 4'],
  ['more', 3, '3 bytes were declared, and it has more'],
])('fails for a file that has %s bytes than declared', async (_, sizeBytes, message) => {
  const body = await openMultipart([{ name: 'img', file: fileOf('four', { sizeBytes }) }]);

  await expect(text(body.stream)).rejects.toThrow(message);

  expect(body.fileError()).toBeInstanceOf(WiroError);
});

it('closes the files opened before one that cannot be opened', async () => {
  const first = Readable.from(['x']);
  const gone = new Error('gone');
  const opening = openMultipart([
    { name: 'a', file: fileOf('x', { open: async () => first }) },
    { name: 'b', file: fileOf('x', { open: () => Promise.reject(gone) }) },
  ]);

  await expect(opening).rejects.toBe(gone);
  expect(first.destroyed).toBe(true);
});

it.each([
  ['photo 1.png', 'photo-1.png'],
  ['Füße.JPG', 'Fu-e.jpg'],
  ['../../etc/passwd', 'passwd'],
  ['写真.png', 'output.png'],
  ['', 'output'],
])('sends the file name %j as %j, in ASCII', async (name, expected) => {
  const { stream } = await openMultipart([{ name: 'img', file: fileOf('', { name }) }]);

  expect(await text(stream)).toContain(`name="img"; filename="${expected}"\r\n`);
});

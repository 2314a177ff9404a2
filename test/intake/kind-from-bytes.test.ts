import { expect, it } from 'vitest';
import { kindFromBytes } from '../../functions/intake/kind-from-bytes.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
/** The beginning of a zip entry: its name, then its content. */
const entry = (name: string, content = '') =>
  `PK\x03\x04${'\0'.repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}${content}`;

it.each([
  ['a PNG', '\x89PNG\r\n\x1a\n', '.png'],
  ['a JPEG', '\xff\xd8\xff\xe0', '.jpg'],
  ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', '.heic'],
  ['HEIC that calls itself HEIF first', '\0\0\0\x1cftypmif1\0\0\0\0mif1heic', '.heic'],
  ['an MP4', '\0\0\0\x18ftypisom\0\0\x02\0', '.mp4'],
  ['an M4A', '\0\0\0\x18ftypM4A \0\0\x02\0', '.m4a'],
  ['a QuickTime film', '\0\0\0\x14ftypqt  \0\0\0\0', '.mov'],
  ['a WAV', 'RIFF\0\0\0\0WAVEfmt ', '.wav'],
  ['a PDF', '%PDF-1.7\n', '.pdf'],
  ['text', 'A lighthouse at dusk', '.txt'],
  ['text that begins with a bracket', '[notes](https://example.com)', '.txt'],
  ['a zip', entry('photos/1.png'), '.zip'],
  ['an EPUB', entry('mimetype', 'application/epub+zip'), '.epub'],
  ['a Word document', entry('[Content_Types].xml', 'x'.repeat(500)) + entry('word/document.xml'), '.docx'],
  ['a sheet', entry('_rels/.rels') + entry('xl/workbook.xml'), '.xlsx'],
  ['slides', entry('[Content_Types].xml') + entry('_rels/.rels') + entry('ppt/presentation.xml'), '.pptx'],
])('recognizes %s', (_, head, extension) => {
  expect(kindFromBytes(bytes(head))).toEqual({ kind: 'supported', extension });
});

it.each([
  ['a TIFF', 'II*\0\0\0', 'of the type image/tiff'],
  ['an AVIF', '\0\0\0\x1cftypavif\0\0\0\0mif1', 'of the type image/avif'],
  ['HEIF that is not HEIC', '\0\0\0\x1cftypmif1\0\0\0\0mif1avc1', 'of the type image/heif'],
  ['FLAC', 'fLaC\0\0', 'of the type audio/flac'],
])('recognizes %s as unsupported', (_, head, name) => {
  expect(kindFromBytes(bytes(head))).toEqual({ kind: 'unsupported', name });
});

it.each([
  ['nothing', ''],
  ['a page', '<!doctype html><html>'],
  ['bytes of no known form', '\x01\x02\x03\x04\x05'],
])('does not guess the kind of %s', (_, head) => {
  expect(kindFromBytes(bytes(head))).toEqual({ kind: 'undetermined' });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideContentType } from '../../functions/outputs/content-type.ts';
import { judgeOutput } from '../../functions/outputs/judge-output.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const box = (brand: string) => bytes(`\0\0\0\x20ftyp${brand}\0\0\0\0`);
const BINARY = bytes('\x01\x02\x03\x04 nothing known \x00');

describe('decideContentType', () => {
  it.each([
    [bytes('\x89PNG\r\n\x1a\nIHDR'), 'image/png'],
    [bytes('\xff\xd8\xff\xe0..JFIF'), 'image/jpeg'],
    [bytes('GIF89a..'), 'image/gif'],
    [bytes('RIFF\x10\0\0\0WEBPVP8 '), 'image/webp'],
    [bytes('RIFF\x10\0\0\0WAVEfmt '), 'audio/wav'],
    [box('heic'), 'image/heic'],
    [box('avif'), 'image/avif'],
    [box('isom'), 'video/mp4'],
    [box('qt  '), 'video/quicktime'],
    [box('M4A '), 'audio/mp4'],
    [bytes('\x1a\x45\xdf\xa3\x01\x42\x82\x84webm'), 'video/webm'],
    [bytes('ID3\x04\0'), 'audio/mpeg'],
    [bytes('\xff\xfb\x90\x64\0'), 'audio/mpeg'],
    [bytes('%PDF-1.7'), 'application/pdf'],
    [bytes('PK\x03\x04..'), 'application/zip'],
    [bytes('glTF\x02\0\0\0'), 'model/gltf-binary'],
    [bytes('{"a": 1}'), 'application/json'],
    [bytes('[1, 2]'), 'application/json'],
    [Buffer.from('Merhaba dünya'), 'text/plain'],
  ])('believes the first bytes before anything else (%#: %s)', (head, type) => {
    expect(decideContentType({ head, header: 'image/bmp', record: 'image/bmp', name: 'x.bmp' })).toBe(type);
  });

  it('uses the header, then the record, then the name if the bytes are unknown', () => {
    const head = BINARY;

    expect(decideContentType({ head, header: 'model/obj; v=1', record: 'image/png' })).toBe('model/obj');
    expect(decideContentType({ head, header: 'binary/octet-stream', record: 'image/jpg' })).toBe(
      'image/jpeg',
    );
    expect(decideContentType({ head, record: 'raw', name: 'a/b.STL' })).toBe('model/stl');
    expect(decideContentType({ head, name: 'weights.safetensors' })).toBe('application/octet-stream');
    expect(decideContentType({ head: Buffer.alloc(0) })).toBe('application/octet-stream');
  });

  it('lets them name a format that is built on another', () => {
    const zip = bytes('PK\x03\x04..');
    const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

    expect(decideContentType({ head: zip, name: 'a.docx' })).toBe(docx);
    expect(decideContentType({ head: bytes('a,b\n1,2'), header: 'text/csv' })).toBe('text/csv');
    expect(decideContentType({ head: bytes('{"asset":1}'), header: 'model/gltf+json' })).toBe(
      'model/gltf+json',
    );
    expect(decideContentType({ head: bytes('\x89PNG\r\n\x1a\n'), header: 'text/csv' })).toBe('image/png');
  });

  it.each([
    ['<!DOCTYPE html><p>', 'text/plain'],
    ['  \n<html>', 'image/png'],
    ['<svg xmlns="x">', 'image/svg+xml'],
    ['\xef\xbb\xbf<?xml version="1.0"?>', 'application/json'],
    ['<!-- x --><script>', undefined],
    ['<script>alert(1)</script>', 'image/png'],
    ['alert(1)', 'text/javascript'],
    ['alert(1)', 'application/x-javascript'],
    ['hello <script>', 'text/html; charset=utf-8'],
    ['body { }', 'text/css'],
    ['\x01\x02', 'application/xhtml+xml'],
    ['\x01\x02', 'application/x-shockwave-flash'],
    ['\x01\x02', 'multipart/x-mixed-replace'],
    ['\x01\x02', 'image/svg+xml'],
  ])('stores %j with the header %s as unknown', (text, header) => {
    const type = decideContentType({
      head: bytes(text),
      record: 'image/png',
      name: 'x.png',
      ...(header === undefined ? {} : { header }),
    });

    expect(type).toBe('application/octet-stream');
  });

  it('stores markup in UTF-16 as unknown', () => {
    const head = Buffer.from('\ufeff<html><script>', 'utf16le');

    expect(decideContentType({ head, header: 'text/plain' })).toBe('application/octet-stream');
  });

  it('reads text whose last character is cut', () => {
    const head = Buffer.from('ü'.repeat(600)).subarray(0, 1023);

    expect(decideContentType({ head })).toBe('text/plain');
  });

  it('treats text with control characters as binary, except white space and escapes', () => {
    const isText = (control: number) =>
      decideContentType({ head: bytes(`line${String.fromCharCode(control)}line`) }) === 'text/plain';

    const text = Array.from({ length: 0x20 }, (_, control) => control).filter(isText);

    expect(text).toEqual([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b]);
    expect([0x20, 0x7e, 0x7f].filter(isText)).toEqual([0x20, 0x7e, 0x7f]);
    expect(decideContentType({ head: bytes('\x1b[31mred\x1b[0m\x00') })).toBe('application/octet-stream');
  });

  it('treats every character above the control characters as text', () => {
    const head = Buffer.from('\x80\x85\xa0\ud7ff\ue000\ufffe\uffff\u{10000}🙂\u{10ffff}');

    expect(decideContentType({ head })).toBe('text/plain');
  });

  it('stores nothing with a type that a browser would run, whatever the bytes, header, record and name', () => {
    const markup = fc.constantFrom(
      ...[
        '<html>',
        '<!DOCTYPE html>',
        '<svg onload=alert(1)>',
        '<?xml version="1.0"?>',
        '<script>',
        '<math>',
      ],
      ...[
        'alert(1)',
        'body{}',
        '%PDF-1.7<script>',
        'GIF89a/*<svg>*/',
        '<x:html xmlns:x="http://www.w3.org/1999/xhtml">',
      ],
    );
    const before = fc.constantFrom(
      '',
      ' ',
      '\n\t',
      '\xef\xbb\xbf',
      '\xff\xfe',
      '\0',
      '<!-- -->',
      '\x89PNG',
      'x',
    );
    const head = fc.oneof(
      fc.tuple(before, markup).map(([first, rest]) => bytes(first + rest)),
      markup.map((text) => Buffer.from(`\ufeff${text}`, 'utf16le')),
      fc.uint8Array({ maxLength: 64 }),
    );
    const active = fc.constantFrom(
      ...[
        'text/html',
        'TEXT/HTML',
        ' text/html ; charset=utf-7',
        'image/svg+xml',
        'application/xhtml+xml',
        'text/xml',
      ],
      ...['text/javascript', 'application/ecmascript', 'text/css', 'application/wasm', 'multipart/related'],
      ...[
        'message/rfc822',
        'text/xsl',
        'application/rdf+xml',
        'application/vnd.wap.xhtml+xml',
        'image/png, text/html',
      ],
    );
    const type = fc.option(fc.oneof(active, fc.constant('image/png'), fc.string()), { nil: undefined });
    const name = fc.constantFrom(
      'x.html',
      'x.svg',
      'x.xhtml',
      'x.js',
      'x.png',
      'x.png.html',
      'x',
      'x.htm\0.png',
    );

    fc.assert(
      fc.property(head, type, type, name, (head, header, record, name) => {
        const stored = decideContentType({
          head,
          name,
          ...(header !== undefined && { header }),
          ...(record !== undefined && { record }),
        });

        expect(stored).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/);
        expect(stored).not.toMatch(/html|svg|script|css|wasm|multipart|message|xsl|xml(?!formats)/);
      }),
      { numRuns: 3_000, seed: 6 },
    );
  });
});

it.each(['constructor', '__proto__', 'a.constructor'])('takes "%s" for an unknown type', (text) => {
  const evidence = { head: BINARY, header: text, record: text, name: text };

  expect(decideContentType(evidence)).toBe('application/octet-stream');
  expect(judgeOutput(evidence)).toEqual({ kind: 'output' });
});

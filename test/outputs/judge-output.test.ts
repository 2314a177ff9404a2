import { describe, expect, it } from 'vitest';
import { judgeOutput, type OutputEvidence } from '../../functions/outputs/judge-output.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const PNG = bytes('\x89PNG\r\n\x1a\nIHDR');
const JPEG = bytes('\xff\xd8\xff\xe0..JFIF');
const MP4 = bytes('\0\0\0\x20ftypisom\0\0\0\0');
const MOV = bytes('\0\0\0\x20ftypqt  \0\0\0\0');
const ZIP = bytes('PK\x03\x04..');
const UNKNOWN = bytes('\x01\x02\x03\x04 nothing known \x00');
const NOTHING = bytes('');
const HTML = bytes('<html>Checking your browser ...</html>');
const S3_ERROR = bytes('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>');
const JSON_ERROR = bytes('{"error": "not found"}');
const TEXT = bytes('Bad gateway');
const SVG = bytes('<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>');
const SVG_BY_DOCTYPE = bytes('<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg/>');
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

describe('what a host sends instead of an output', () => {
  it.each([
    ['image/png', '0.png'],
    ['image/svg+xml', '0.svg'],
    ['video/mp4', '0.mp4'],
    ['audio/wav', '0.wav'],
    ['application/zip', '0.zip'],
    ['application/pdf; v=1', undefined],
    ['model/gltf-binary', undefined],
    [DOCX, undefined],
    ['raw', '0.PNG'],
    ['application/octet-stream', 'weights.safetensors'],
    [undefined, '0.webm'],
    [undefined, '0.svg'],
  ])('is never the output if the record says %s, %s', (record, name) => {
    const said = { ...(record !== undefined && { record }), ...(name !== undefined && { name }) };

    const kinds = [HTML, S3_ERROR, JSON_ERROR, TEXT, NOTHING].map(
      (head) => judgeOutput({ head, ...said }).kind,
    );

    expect(kinds).toEqual(Array(5).fill('notTheOutput'));
  });

  it.each<[string, OutputEvidence]>([
    ['JSON where it says JSON', { head: JSON_ERROR, record: 'application/json' }],
    ['text where it says CSV', { head: TEXT, record: 'text/csv' }],
    ['HTML where it says HTML', { head: HTML, record: 'text/html' }],
    ['nothing where it says text', { head: NOTHING, record: 'text/plain' }],
    ['XML where it says XML', { head: S3_ERROR, record: 'application/xml' }],
    ['a text that lists audio', { head: TEXT, record: 'audio/x-mpegurl' }],
    ['a model in words', { head: TEXT, record: 'model/obj' }],
    ['text by its name', { head: TEXT, record: 'application/octet-stream', name: '0.txt' }],
    ['anything where it says nothing', { head: HTML }],
    ['anything where it says nothing that helps', { head: TEXT, record: 'raw', name: 'output' }],
    ['a drawing', { head: SVG, record: 'image/svg+xml' }],
    ['a drawing by its doctype', { head: SVG_BY_DOCTYPE, record: 'image/svg+xml' }],
    ['a drawing by its name', { head: SVG, name: '0.svg' }],
    ['a drawing whose beginning is too long', { head: bytes(`<!--${' '.repeat(2_000)}`), name: '0.svg' }],
    ['an unknown format', { head: UNKNOWN, record: 'image/png' }],
    ['a picture', { head: PNG, record: 'image/png' }],
  ])('is not seen in %s', (_, evidence) => {
    expect(judgeOutput(evidence)).toEqual({ kind: 'output' });
  });

  it('is named in words', () => {
    expect(judgeOutput({ head: HTML, record: 'IMAGE/PNG; a=b' })).toEqual({
      kind: 'notTheOutput',
      came: 'a page of HTML or XML',
      wanted: 'image/png',
    });
    expect(judgeOutput({ head: NOTHING, name: 'a/1/0-w.safetensors' })).toEqual({
      kind: 'notTheOutput',
      came: 'nothing at all',
      wanted: '.safetensors',
    });
  });
});

describe('a type that differs from the record', () => {
  it.each([
    [JPEG, 'image/png'],
    [PNG, 'image/jpg', 'image/jpeg'],
    [PNG, 'video/mp4'],
    [MP4, 'audio/wav'],
    [PNG, 'text/plain'],
    [PNG, 'image/svg+xml'],
    [SVG, 'image/png'],
    [ZIP, 'application/pdf'],
    [PNG, DOCX],
  ])('is reported (%#)', (head, record, said = record) => {
    expect(judgeOutput({ head, record, name: '0.png' })).toEqual({ kind: 'output', differingType: said });
  });

  it.each([
    [MP4, 'video/quicktime'],
    [MOV, 'video/mp4'],
    [MP4, 'audio/x-m4a'],
    [ZIP, DOCX],
    [ZIP, 'model/vnd.usdz+zip'],
    [TEXT, 'application/json'],
    [JSON_ERROR, 'text/plain'],
    [UNKNOWN, 'video/mp4'],
    [PNG, 'application/octet-stream'],
    [PNG, 'raw'],
    [PNG, 'image/x-adobe-dng'],
    [JPEG, ''],
  ])('is not reported if both may be the same, or one is unknown (%#)', (head, record) => {
    expect(judgeOutput({ head, record, name: '0.png' })).toEqual({ kind: 'output' });
  });
});

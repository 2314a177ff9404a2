import { describe, expect, it } from 'vitest';
import { RequestError } from '../../functions/generation/errors.ts';
import { fileKind, requireSupportedKind } from '../../functions/request/file-kind.ts';

const UUID = '0b9fae8f-55d1-4b0f-8d2b-9a6f1a0c7f8e';

describe('the kind of a file', () => {
  it.each([
    ['photos/a.PNG', undefined, '.png'],
    ['a.jpeg', undefined, '.jpeg'],
    ['a.jfif', undefined, '.jpg'],
    ['a.jpe', 'application/octet-stream', '.jpg'],
    // A supported extension of the key overrides the Content-Type.
    ['a.png', 'image/tiff', '.png'],
    [UUID, 'image/png', '.png'],
    [UUID, 'image/jpeg; charset=binary', '.jpg'],
    [UUID, 'AUDIO/X-WAV', '.wav'],
    ['backup.v2', 'video/mp4', '.mp4'],
    ['.png', 'image/webp', '.webp'],
    ['folder.png/a', 'image/gif', '.gif'],
    ['notes.markdown', undefined, '.md'],
  ])('of "%s" (%s) gives the extension %s', (key, contentType, extension) => {
    expect(fileKind({ key, ...(contentType && { contentType }) })).toEqual({ kind: 'supported', extension });
  });

  it.each([
    ['scan.tif', 'image/png', 'a .tif file'],
    ['a.SVG', undefined, 'a .svg file'],
    ['a.json', undefined, 'a .json file'],
    [UUID, 'image/tiff', 'of the type image/tiff'],
    [UUID, 'text/html; charset=utf-8', 'of the type text/html'],
    [UUID, 'application/json', 'of the type application/json'],
  ])('of "%s" (%s) is unsupported', (key, contentType, name) => {
    expect(fileKind({ key, ...(contentType && { contentType }) })).toEqual({ kind: 'unsupported', name });
  });

  it.each([
    [UUID, undefined],
    [UUID, 'binary/octet-stream'],
    [UUID, 'application/x-anything'],
    [UUID, 'image/*'],
    ['photo.heif', 'image/heif'],
    // A member of the object prototype is not an extension.
    ['a.constructor', undefined],
    ['a.valueOf', undefined],
  ])('of "%s" (%s) depends on its bytes', (key, contentType) => {
    expect(fileKind({ key, ...(contentType && { contentType }) })).toEqual({ kind: 'undetermined' });
  });
});

it('refuses an unsupported kind with its field and the supported kinds', () => {
  expect(() => requireSupportedKind({ key: 'a.png' }, 'inputs.image')).not.toThrow();
  expect(() => requireSupportedKind({ key: UUID }, 'inputs.image')).not.toThrow();

  const refuse = () => requireSupportedKind({ key: 'scans/one.tif' }, 'inputs.image[1]');

  expect(refuse).toThrow(RequestError);
  expect(refuse).toThrow(
    'inputs.image[1]: the object "scans/one.tif" is a .tif file, which Wiro does not accept: convert it to one of jpg, ' +
      'jpeg, png, gif, webp, heic, mp4, webm, mov, mp3, wav, m4a, pdf, csv, docx, xlsx, pptx, txt, md, epub and zip.',
  );
});

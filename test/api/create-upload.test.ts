import { describe, expect, it } from 'vitest';
import { createUpload } from '../../functions/api/create-upload.ts';
import type { RequestError } from '../../functions/generation/errors.ts';
import type { UploadToPresign } from '../../functions/objects/presign-upload.ts';
import type { InputHandover } from '../../functions/settings.ts';

const GOOD = { name: 'photo.png', sizeBytes: 1_234 };

function uploadWorld({
  prefixes,
  inputHandover = 'auto',
}: {
  readonly prefixes?: readonly string[];
  readonly inputHandover?: InputHandover;
} = {}) {
  const signed: UploadToPresign[] = [];
  const rules = {
    inputBucket: 'inputs',
    furtherBuckets: [],
    ...(prefixes && { prefixes: new Map([['inputs', prefixes]]) }),
  };
  const create = (value: unknown) =>
    createUpload(
      {
        rules,
        inputHandover,
        presignUpload: async (upload) => {
          signed.push(upload);
          return {
            url: 'https://s3/signed',
            headers: { 'content-type': upload.contentType, 'content-length': String(upload.sizeBytes) },
            expiresAt: new Date('2026-01-31T12:15:00Z'),
          };
        },
      },
      value,
    );
  const refuse = async (value: unknown) =>
    create(value).then(
      () => expect.fail('It was accepted'),
      (error: RequestError) => error.problems,
    );
  return { create, refuse, signed };
}

it('signs the exact length and the type, under a key that nobody guesses', async () => {
  const { create, signed } = uploadWorld();

  const [first, second] = [await create(GOOD), await create({ ...GOOD, contentType: 'image/png' })];

  expect(first).toEqual({
    key: expect.stringMatching(/^inputs\/temporary\/[0-9a-f]{24}\/photo\.png$/),
    method: 'PUT',
    url: 'https://s3/signed',
    headers: { 'content-type': 'image/png', 'content-length': '1234' },
    expiresAt: '2026-01-31T12:15:00.000Z',
  });
  expect(second.key).not.toBe(first.key);
  expect(signed[0]).toEqual({
    bucket: 'inputs',
    key: first.key,
    contentType: 'image/png',
    sizeBytes: 1_234,
  });
});

it.each([
  ['umlauts and spaces', { ...GOOD, name: 'Fräulein Müller (1).PNG' }, 'image/png'],
  ['a type of its own', { ...GOOD, name: 'photo', contentType: 'image/jpeg' }, 'image/jpeg'],
  ['the largest file', { ...GOOD, sizeBytes: 104_857_600 }, 'image/png'],
])('accepts %s', async (_, value, contentType) => {
  expect((await uploadWorld().create(value)).headers['content-type']).toBe(contentType);
});

it('takes any kind of file where Wiro fetches inputs itself', async () => {
  const { create } = uploadWorld({ inputHandover: 'presigned' });

  expect((await create({ ...GOOD, name: 'scan.tif' })).headers['content-type']).toBe(
    'application/octet-stream',
  );
});

describe('refuses', () => {
  it.each([
    ['no object', 7, 'invalid_request', undefined],
    ['an unknown field', { ...GOOD, size: 1 }, 'invalid_request', 'size'],
    ['no name', { sizeBytes: 1 }, 'invalid_parameter', 'name'],
    ['a path', { ...GOOD, name: '../photo.png' }, 'invalid_parameter', 'name'],
    ['a path of Windows', { ...GOOD, name: 'a\\photo.png' }, 'invalid_parameter', 'name'],
    ['a line break', { ...GOOD, name: 'a\n.png' }, 'invalid_parameter', 'name'],
    ['half a character', { ...GOOD, name: '\ud800.png' }, 'invalid_parameter', 'name'],
    ['a name of dots', { ...GOOD, name: '..' }, 'invalid_parameter', 'name'],
    ['a long name', { ...GOOD, name: `${'ü'.repeat(126)}.png` }, 'invalid_parameter', 'name'],
    ['no size', { name: 'a.png' }, 'invalid_parameter', 'sizeBytes'],
    ['a size in text', { ...GOOD, sizeBytes: '17' }, 'invalid_parameter', 'sizeBytes'],
    ['half a byte', { ...GOOD, sizeBytes: 0.5 }, 'invalid_parameter', 'sizeBytes'],
    ['an empty file', { ...GOOD, sizeBytes: 0 }, 'input_empty', 'sizeBytes'],
    ['a file over 100 MB', { ...GOOD, sizeBytes: 104_857_601 }, 'input_too_large', 'sizeBytes'],
    ['a type that is none', { ...GOOD, contentType: 'png' }, 'invalid_parameter', 'contentType'],
    ['a header', { ...GOOD, contentType: 'image/png\r\nx: y' }, 'invalid_parameter', 'contentType'],
    ['a kind that Wiro does not take', { ...GOOD, name: 'scan.tif' }, 'input_unsupported', 'name'],
    ['a kind that cannot be told', { ...GOOD, name: 'photo' }, 'input_unsupported', 'name'],
  ])('%s', async (_, value, code, field) => {
    const { refuse, signed } = uploadWorld();

    expect(await refuse(value)).toMatchObject([{ code, ...(field !== undefined && { field }) }]);
    expect(signed).toEqual([]);
  });

  it('everything at once', async () => {
    const problems = await uploadWorld().refuse({ name: '', sizeBytes: -1, contentType: 7, more: 1 });

    expect(problems.map(({ field }) => field)).toEqual(['more', 'name', 'sizeBytes', 'contentType']);
  });

  it('uploads that its own requests could not name', async () => {
    expect(await uploadWorld({ prefixes: ['photos/'] }).refuse(GOOD)).toMatchObject([
      { code: 'input_not_allowed', message: expect.stringMatching(/add this one to inputPrefixes/) },
    ]);
    await uploadWorld({ prefixes: ['inputs/'] }).create(GOOD);
  });
});

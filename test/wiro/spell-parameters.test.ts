import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { spellRun } from '../../functions/wiro/spell-parameters.ts';
import type { FileToSend, ModelSchema } from '../../functions/wiro/types.ts';

const callbackUrl = 'https://cb.example/1';
const callback = [
  { name: 'callbackUrl', value: callbackUrl },
  { name: 'callbackurl', value: callbackUrl },
];
const file: FileToSend = {
  name: 'a.png',
  contentType: 'image/png',
  sizeBytes: 1,
  open: async () => Readable.from(['x']),
};
const schemaOf = (types: Record<string, string>): ModelSchema => ({
  parameters: Object.entries(types).map(([id, type]) => ({ id, type, required: false })),
});
const a = { url: 'https://a.example/1?x=1,2' };
const b = { url: 'https://b.example/2' };
const json = (id: string, values: readonly { url: string }[], schema?: ModelSchema) =>
  spellRun({ parameters: {}, files: { [id]: values }, callbackUrl, ...(schema && { schema }) }).fields.slice(
    0,
    -2,
  );

describe('URLs alone go as JSON', () => {
  it.each([
    ['without a schema, into {id}Url', undefined, 'imgUrl', 'https://a.example/1?x=1,2'],
    ['with an empty schema too', schemaOf({}), 'imgUrl', 'https://a.example/1?x=1,2'],
    [
      'multifileinput, which is split at commas',
      schemaOf({ img: 'multifileinput' }),
      'imgUrl',
      'https://a.example/1?x=1%2C2',
    ],
    ['fileinput, into {id}Url', schemaOf({ img: 'fileinput' }), 'imgUrl', 'https://a.example/1?x=1,2'],
    [
      'combinefileinput, as a list into {id}',
      schemaOf({ img: 'combinefileinput' }),
      'img',
      ['https://a.example/1?x=1,2'],
    ],
    [
      'no file type, but {id}Url is listed',
      schemaOf({ img: 'text', imgUrl: 'text' }),
      'imgUrl',
      'https://a.example/1?x=1,2',
    ],
    ['not listed at all, {id}Url is', schemaOf({ imgUrl: 'text' }), 'imgUrl', 'https://a.example/1?x=1,2'],
    ['{id}Url not listed and no file type', schemaOf({ img: 'text' }), 'img', 'https://a.example/1?x=1,2'],
  ])('%s', (_, schema, name, value) => {
    expect(json('img', [a], schema)).toEqual([{ name, value }]);
  });

  it('joins several with commas, and encodes a comma within one', () => {
    expect(json('img', [a, b], schemaOf({ img: 'multifileinput' }))).toEqual([
      { name: 'imgUrl', value: 'https://a.example/1?x=1%2C2,https://b.example/2' },
    ]);
  });

  it('sends several of a combinefileinput as a list', () => {
    expect(json('img', [a, b], schemaOf({ img: 'combinefileinput' }))).toEqual([
      { name: 'img', value: ['https://a.example/1?x=1,2', 'https://b.example/2'] },
    ]);
  });
});

describe('a file makes it multipart', () => {
  it('sends both fields of a fileinput, one of them empty', () => {
    const spelled = spellRun({
      parameters: { prompt: 'p' },
      files: { one: [{ file }], two: [b] },
      schema: schemaOf({ one: 'fileinput', two: 'fileinput' }),
      callbackUrl,
    });

    expect(spelled).toEqual({
      kind: 'multipart',
      fields: [
        { name: 'prompt', value: 'p' },
        { name: 'one', file },
        { name: 'oneUrl', value: '' },
        { name: 'two', value: '' },
        { name: 'twoUrl', value: 'https://b.example/2' },
        ...callback,
      ],
    });
  });

  it('mixes files and URLs of a combinefileinput in their order', () => {
    const spelled = spellRun({
      parameters: {},
      files: { mix: [b, { file }, a] },
      schema: schemaOf({ mix: 'combinefileinput' }),
      callbackUrl,
    });

    expect(spelled.fields.slice(0, -2)).toEqual([
      { name: 'mix', value: 'https://b.example/2' },
      { name: 'mix', file },
      { name: 'mix', value: 'https://a.example/1?x=1,2' },
    ]);
  });
});

it('lets no parameter of the user replace the callback URL', () => {
  const evil = 'https://evil.example';
  const spelled = spellRun({
    parameters: {
      callbackUrl: evil,
      callbackurl: evil,
      CallbackURL: evil,
      'callbackUrl[]': evil,
      ' callbackurl': evil,
      prompt: 'p',
    },
    files: { callback: [{ url: evil }] },
    callbackUrl,
  });

  expect(spelled).toEqual({ kind: 'json', fields: [{ name: 'prompt', value: 'p' }, ...callback] });
});

it('prefers a file over a plain parameter of the same name', () => {
  const spelled = spellRun({
    parameters: { imgUrl: 'https://old.example' },
    files: { img: [b] },
    callbackUrl,
  });

  expect(spelled.fields).toEqual([{ name: 'imgUrl', value: 'https://b.example/2' }, ...callback]);
});

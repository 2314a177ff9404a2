import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestOf } from '../../console/samples/form.ts';
import { type Form, type SampleId, samplesOf } from '../../console/samples/index.ts';
import { shellWord, toJson, toTypeScript } from '../../console/samples/quote.ts';
import { wiroFieldsOf } from '../../console/samples/wiro-fields.ts';
import { parsePresets } from '../../functions/request/preset.ts';
import { spellRun } from '../../functions/wiro/spell-parameters.ts';
import { bash, callsOf } from './bash.ts';
import { formWith, HOSTILE, LOCAL, STACK } from './forms.ts';

/** Any text that an argument of a command can be. */
const texts = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
  fc.array(fc.constantFrom(...`'"\\$\`!\n\r\t{}<>;&#~=@\u2028`)).map((characters) => characters.join('')),
);

const textOf = (form: Form, id: SampleId): string => {
  const sample = samplesOf(form).find((one) => one.id === id);
  if (sample === undefined) throw new Error(`There is no sample ${id}`);
  return sample.text;
};

describe('quoting', () => {
  it('shell reads each word as it was, and runs nothing of it', async () => {
    const words = [...HOSTILE, ...fc.sample(texts, 400)];

    const said = await bash(words.map((word) => `printf '%s\\0' ${shellWord(word)}`).join('\n'));

    expect(said.split('\0').slice(0, -1)).toEqual(words);
  });

  it('JavaScript reads each value as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 4 }), texts, (value, text) => {
        const given = { value, [text]: text, ['__proto__']: text };
        const read = runInNewContext(`JSON.stringify(${toTypeScript(given)})`);
        expect(read).toBe(JSON.stringify(given));
      }),
    );
  });

  it('JSON reads each value as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(JSON.stringify(JSON.parse(toJson(value)))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('no sample has a character that a reader does not see, or that changes how others look', () => {
    for (const { text } of samplesOf(formWith([...HOSTILE, ...fc.sample(texts, 50)]))) {
      expect(text).not.toMatch(
        /(?!\n)[\p{Cc}\p{Zl}\p{Zp}]|[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u,
      );
      expect(text.endsWith('\n')).toBe(true);
    }
  });
});

describe('samples of the shell', () => {
  it('send the request as it is, however hostile its texts', async () => {
    const form = formWith(HOSTILE);

    const [curl, cli, event] = await callsOf(
      ...(['curl', 'aws-cli', 'event'] as const).map((id) => textOf(form, id)),
    );

    const request = JSON.stringify(requestOf(form));
    expect(JSON.stringify(JSON.parse(curl?.input ?? ''))).toBe(request);
    expect(JSON.stringify(JSON.parse(cli?.input ?? ''))).toBe(request);
    expect(JSON.parse(event?.input ?? '')).toEqual([
      { EventBusName: 'wiro-local', Source: 'my.app', DetailType: 'Generation Requested', Detail: request },
    ]);
    expect(curl?.args).toEqual([
      ...['curl', '-sS', 'http://127.0.0.1:3000/generations'],
      ...['-H', 'content-type: application/json', '--data-binary', '@-'],
    ]);
    expect(cli?.args.join(' ')).toBe(
      'aws s3 cp - s3://wiro-local-inputs/requests/group-portrait.json --content-type application/json --region us-east-1 --endpoint-url http://127.0.0.1:4000',
    );
    expect(event?.args.join(' ')).toBe(
      'aws events put-events --entries file:///dev/stdin --region us-east-1 --endpoint-url http://127.0.0.1:5000',
    );
  });

  it('sign for a stack, with the session token only where there is one', async () => {
    const sample = textOf(formWith(['x'], { endpoint: STACK }), 'curl');
    const keys = 'AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=a/b+c';

    const [without, withToken] = await callsOf(
      `${keys} AWS_SESSION_TOKEN=`,
      sample,
      "AWS_SESSION_TOKEN='to ken'",
      sample,
    );

    const args = [
      ...['curl', '-sS', 'https://abc123.lambda-url.eu-central-1.on.aws/generations'],
      ...['--aws-sigv4', 'aws:amz:eu-central-1:lambda', '--user', 'AKID:a/b+c'],
    ];
    const rest = ['-H', 'content-type: application/json', '--data-binary', '@-'];
    expect(without?.args).toEqual([...args, ...rest]);
    expect(withToken?.args).toEqual([...args, '-Hx-amz-security-token: to ken', ...rest]);
  });

  it('name the region of the stack, and no address of their own', async () => {
    const form = formWith(['x'], { endpoint: STACK });

    const [cli, event] = await callsOf(textOf(form, 'aws-cli'), textOf(form, 'event'));

    expect(cli?.args.join(' ')).toBe(
      'aws s3 cp - s3://shop-inputs/requests/group-portrait.json --content-type application/json --region eu-central-1',
    );
    expect(event?.args.slice(-2)).toEqual(['--region', 'eu-central-1']);
  });

  it('hold no key, and name what is not known', () => {
    const endpoint = { kind: 'stack', url: 'https://api.example.com' } as const;

    const text = samplesOf(formWith(['x'], { endpoint }))
      .map((sample) => sample.text)
      .join('\n');

    expect(text).toContain('s3://your-input-bucket/');
    expect(text).toContain('"your-event-bus"');
    expect(text).toContain('aws:amz:your-region:lambda');
    expect(text).not.toMatch(/local-secret|undefined|\[object/);
  });
});

describe('the Wiro request', () => {
  const TYPES = ['fileinput', 'multifileinput', 'combinefileinput', 'text', undefined];
  const SOURCES = [
    ['a.png'],
    ['a.png', 's3://bucket/b.png'],
    ['https://a.example/x,y.png'],
    ['https://a.example/x,y.png', 'https://a.example/z.png'],
    ['a.png', 'https://a.example/x,y.png', 'b.png'],
  ];
  const LISTED = [[], [{ id: 'photoUrl', type: 'text' }], [{ id: 'prompt', type: 'textarea' }]];

  it.each(TYPES)('spells files as a deployment does: %s', (type) => {
    for (const listed of LISTED)
      for (const sources of SOURCES) {
        const parameters = [...listed, ...(type === undefined ? [] : [{ id: 'photo', type }])];
        const form: Form = {
          ...formWith(['x']),
          parameters: { prompt: 'x', photoUrl: 'replaced', upscale: null },
          inputs: { photo: sources },
          modelParameters: parameters,
        };
        const isUrl = (source: string) => source.startsWith('https:');

        const theirs = spellRun({
          parameters: form.parameters,
          files: {
            photo: sources.map((source) =>
              isUrl(source)
                ? { url: source }
                : {
                    file: {
                      name: source.startsWith('s3:') ? source : `s3://wiro-local-inputs/${source}`,
                      sizeBytes: 1,
                      contentType: 'image/png',
                      open: () => expect.fail('Nothing is read'),
                    },
                  },
            ),
          },
          schema: { parameters: parameters.map((one) => ({ ...one, required: false })) },
          callbackUrl: 'https://example.com/',
        });

        expect(wiroFieldsOf(form)).toEqual(
          theirs.fields
            .filter(({ name }) => !/^callbackurl$/i.test(name))
            .map((field) => ('file' in field ? { name: field.name, object: field.file.name } : field)),
        );
        expect(wiroFieldsOf(form).some((field) => 'object' in field)).toBe(theirs.kind === 'multipart');
      }
  });

  it('sends every text as it is', async () => {
    const form = formWith(HOSTILE);

    const calls = await callsOf(textOf(form, 'wiro'));

    const args = calls.at(-1)?.args ?? [];
    for (const [place, text] of HOSTILE.entries())
      expect(args[args.indexOf(`text${place}=${text}`) - 1]).toBe('--form-string');
    expect(args).toContain('upscale=true');
    expect(args).toContain('seed=');
    expect(args).toContain(`messages=${JSON.stringify(form.parameters.messages)}`);
    expect(calls.slice(0, -1).map(({ args: [, , , object] }) => object)).toEqual(
      HOSTILE.flatMap((text) => [
        `s3://wiro-local-inputs/photos/${text}.png`,
        `s3://other-bucket/${text}.png`,
      ]),
    );
  });

  it('is signed as Wiro wants it', async () => {
    const [run] = await callsOf(
      'date() { echo 1734513809; }',
      textOf(formWith(['x'], { inputs: {} }), 'wiro'),
    );

    // printf %s secret1734513809 | openssl dgst -sha256 -hmac key
    expect(run?.args).toContain('x-nonce: 1734513809');
    expect(run?.args).toContain('x-api-key: key');
    expect(run?.args).toContain(
      'x-signature: 207d51463ffed1ceb59b045cadf60eff3559ab98bdddd9b678ac9786541fa3b8',
    );
    expect(JSON.parse(run?.input ?? '')).toMatchObject({
      text0: 'x',
      callbackUrl: 'https://example.com/wiro-callback',
      callbackurl: 'https://example.com/wiro-callback',
    });
  });
});

describe('presets', () => {
  const rules = { inputBucket: 'wiro-local-inputs', furtherBuckets: ['other-bucket'] };

  it('are what a deployment takes', () => {
    const form = formWith(HOSTILE);

    const presets = parsePresets(JSON.parse(textOf(form, 'preset')), rules);

    expect(presets).toEqual({
      'group-portrait': {
        model: form.model,
        fileParameter: 'inputImages',
        parameters: form.parameters,
        inputs: { inputImage: 'https://a.example/b,c.png' },
      },
    });
  });

  it('name objects of the input bucket by their keys, because its name is not known before a deployment', () => {
    const inputs = { a: ['a.png'], b: ['s3://wiro-local-inputs/b.png', 's3://wiro-local-inputs-2/c.png'] };

    const presets = JSON.parse(textOf(formWith(['x'], { inputs }), 'preset'));

    expect(presets['group-portrait'].inputs).toEqual({ b: ['b.png', 's3://wiro-local-inputs-2/c.png'] });
  });

  it.each([
    ['wiro/Story Maker_2.0!', 'story-maker-2-0'],
    ['wiro/---', 'my-request'],
    [`wiro/${'a'.repeat(62)}-b`, 'a'.repeat(62)],
  ])('of %s are named %s', (model, name) => {
    const form = formWith(['x'], { model });

    expect(Object.keys(JSON.parse(textOf(form, 'preset')))).toEqual([name]);
  });

  it('take the file in the parameter that the model lists, where the form has no file yet', () => {
    const modelParameters = [
      { id: 'prompt', type: 'textarea' },
      { id: 'photo', type: 'combinefileinput' },
    ];

    const form = formWith(['x'], { inputs: { photo: [] }, modelParameters });

    expect(JSON.parse(textOf(form, 'preset'))).toMatchObject({
      'group-portrait': { fileParameter: 'photo' },
    });
  });

  it('are left out for a model without files', () => {
    const ids = samplesOf(formWith(['x'], { inputs: {} })).map(({ id }) => id);

    expect(ids).toEqual(['curl', 'typescript', 'python', 'aws-cli', 'request-file', 'event', 'cdk', 'wiro']);
  });
});

it('what is empty is left out', () => {
  const form = { model: 'wiro/empty', parameters: {}, inputs: { photo: [] }, labels: {}, endpoint: LOCAL };

  expect(requestOf(form)).toEqual({ model: 'wiro/empty' });
});

it('is small in a page, and needs nothing of Node', async () => {
  const { outputFiles } = await build({
    entryPoints: [path.resolve(import.meta.dirname, '../../console/samples/index.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });

  expect(gzipSync(outputFiles[0]?.contents ?? '').length).toBeLessThan(6_000);
});

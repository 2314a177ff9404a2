import { describe, expect, it } from 'vitest';
import { answerRequest, type RoutesDeps } from '../../functions/api/routes.ts';
import { parseCallbackPath, parseCallbackUrl } from '../../functions/generation/callback-url.ts';
import { type AcceptDeps, checkRequest } from '../../functions/intake/accept-generation.ts';
import { kindFromBytes } from '../../functions/intake/kind-from-bytes.ts';
import { resultsKey } from '../../functions/intake/results-key.ts';
import { keyBeside } from '../../functions/objects/key-beside.ts';
import { decideContentType } from '../../functions/outputs/content-type.ts';
import { readDataUrl } from '../../functions/outputs/data-url.ts';
import { contentCodings } from '../../functions/outputs/decode-output.ts';
import { judgeOutput } from '../../functions/outputs/judge-output.ts';
import { checkOutputUrl } from '../../functions/outputs/output-hosts.ts';
import { outputKey } from '../../functions/outputs/output-key.ts';
import { checkAgainstSchema, findUnknownParameters } from '../../functions/request/check-schema.ts';
import { findFault } from '../../functions/request/check-value.ts';
import { findClosest } from '../../functions/request/did-you-mean.ts';
import { fileKind } from '../../functions/request/file-kind.ts';
import { isGenerationId, requestHash } from '../../functions/request/identity.ts';
import { parsePresets, readUploadKey } from '../../functions/request/preset.ts';
import { type PriceList, priceOf } from '../../functions/request/price.ts';
import { readJson } from '../../functions/request/read-json.ts';
import { parseRequest } from '../../functions/request/request.ts';
import { parseSource } from '../../functions/request/source.ts';
import { safeFileName } from '../../functions/runtime/safe-file-name.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createOutputSources } from '../../functions/wiro/answers/output-sources.ts';
import { parseAnswer } from '../../functions/wiro/answers/parse-answer.ts';
import { parseUploadedFile } from '../../functions/wiro/answers/parse-file.ts';
import { parseHint } from '../../functions/wiro/answers/parse-hint.ts';
import { parseModel } from '../../functions/wiro/answers/parse-model.ts';
import { parseTask } from '../../functions/wiro/answers/parse-task.ts';
import { createTrimmer, TASK_DETAIL } from '../../functions/wiro/answers/trim-answer.ts';
import { classifyRun } from '../../functions/wiro/classify-run.ts';
import { createRedaction } from '../../functions/wiro/redact.ts';
import { meaningOf } from '../../functions/wiro/refusal.ts';
import { readReply } from '../../functions/wiro/request.ts';
import { spellRun } from '../../functions/wiro/spell-parameters.ts';

// Whatever comes from outside is read in time in proportion to its size: a text that takes minutes would keep its
// function from renewing its lease, or from answering anyone.

const SIZE = 16_000;
/** What is quicker than this cannot be compared; a quadratic scan of `SIZE` characters takes far longer. */
const LEAST_MS = 20;

/** What scanners stumble over, repeated. */
const UNITS = [
  'http://',
  'http://a.b/c,',
  'https:\\/\\/a.b\\/',
  'https://cdn.wiro.ai/',
  'X-Amz-',
  `${'0'.repeat(63)}g`,
  'f',
  ' ',
  '\n',
  '/',
  '../',
  '.',
  '-',
  '_',
  '[',
  '{"a":',
  '["',
  '\\"',
  '"',
  '<!--',
  '<',
  'a.',
  'a/',
  'e\u0301\u0327',
  '\ud800',
  'Request parameter [',
  'must be between 1 and ',
  'you can run up to 1',
  'a=b&',
  '%2F',
  '9',
  '0.',
  'id,',
];

const RULES = { inputBucket: 'photos', furtherBuckets: [] };
// No path of these leads to anything that the API would need.
const API = {} as RoutesDeps;
const FILE = { what: 'The file', remedy: '{}' };
const ACCEPT: AcceptDeps = {
  deployment: 'shop',
  inputs: { head: async () => undefined },
  generations: { get: async () => undefined, accept: () => Promise.reject(new Error('not accepted')) },
  knownModel: async () => undefined,
  durations: DURATIONS,
  clock: () => new Date(0),
};
const sourceOf = (key: string) => ({ text: key, source: { kind: 'object', bucket: 'photos', key } }) as const;
const redact = createRedaction(['s3cret', `${'ab'.repeat(20)}c`]);
const answered = (status: number, answer: unknown) =>
  ({ kind: 'answered', status, text: JSON.stringify(answer) }) as const;
const task = (over: object) => parseTask({ id: '1', status: 'task_postprocess_end', pexit: '1', ...over });
const schema = { parameters: [{ id: 'prompt', type: 'text', required: true }] };

const MANY = Array.from({ length: 40 }, (_, n) => ({ id: `parameter-${n}`, type: 'text', required: false }));
const PRICES = ['cpo', 'cp-pixel', 'cp-promptlength', 'cp-outputVideoLength'].map(
  (priceMethod): PriceList => ({
    prices: [
      { inputs: {}, price: 1, priceMethod, priceInput: 1 },
      { inputs: { photos: 'QUANTITY:3', size: '1024x1024' }, price: 1, priceMethod },
    ],
  }),
);

/** As it comes: in pieces, here of an awkward size. */
function trim(text: string): string {
  const trimmer = createTrimmer(TASK_DETAIL);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 61) trimmer.write(bytes.subarray(at, at + 61));
  return trimmer.end();
}

/** Every function that is given text which somebody outside has written. A refusal is an answer, too. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'redacting what Wiro says': redact,
  'redacting with the text as its secret': (text) => createRedaction([text])(`a${text}`),
  'the error text of a task': (text) => task({ debugerror: text }),
  'the error text of a task whose token is as long': (text) =>
    task({ debugerror: text, tasktoken: `${text}b` }),
  'the fields of a task': (text) =>
    task({ pexit: text, createtime: text, totalcost: text, callbackurl: text, debugoutput: text }),
  'the outputs of a task': (text) =>
    task({ outputs: [{ url: text }, { url: `https://a.b/${text}`, name: text, size: text }, text] }),
  'the outputs of a task as a text': (text) => task({ outputs: text }),
  'the sources of outputs': (text) => createOutputSources(`{"tasklist":[{"outputs":[${text}`)(0)('outputs'),
  'many sources of outputs': (text) =>
    createOutputSources(JSON.stringify({ tasklist: [{ outputs: piecesOf(text) }] }))(0)('outputs'),
  'a large answer': (text) => trim(`{"tasklist":[{"outputs":[${text}`),
  'what is left out of a large answer': (text) => trim(`{"tasklist":[{"x":[${text}`),
  'what is cut of a large answer': (text) => trim(JSON.stringify({ tasklist: [{ debugerror: text }] })),
  'the body of a large answer': trim,
  'a body of Wiro': parseAnswer,
  'an answer to a Run': (text) => classifyRun({ kind: 'answered', status: 200, text }, 'a/b', redact),
  'a refusal of a Run': (text) =>
    classifyRun(answered(200, { result: false, errors: [{ code: 0, message: text }] }), 'a/b', redact),
  'many refusals of a Run': (text) =>
    classifyRun(answered(200, { result: false, errors: piecesOf(text) }), 'a/b', redact),
  'a 401 to a Run': (text) => classifyRun(answered(401, { result: false, errors: [text] }), 'a/b', redact),
  'a refusal of another call': (text) =>
    readReply(
      answered(200, { result: false, errors: [text, { code: text, message: text }] }),
      'Task/Detail',
      redact,
    ),
  'many refusals of another call': (text) =>
    readReply(answered(200, { result: false, errors: piecesOf(text) }), 'Task/Detail', redact),
  'what a refusal means': (message) => meaningOf({ message }),
  'what a limit is': (message) => meaningOf({ code: 96, message }),
  'an uploaded file': (text) => parseUploadedFile({ id: text, url: text, size: text }, 'a'),
  'a model': (text) =>
    parseModel({
      cleanslugowner: text,
      cleanslugproject: text,
      dynamicprice: text,
      parameters: [{ items: [{ id: text, required: text, min: text, options: text }] }],
    }),
  'a callback path': parseCallbackPath,
  'a callback path with more before it': (text) =>
    parseCallbackPath(`/${text}/shop/${'a'.repeat(26)}/1/${'0'.repeat(64)}`),
  'a callback URL': (text) => parseCallbackUrl(`https://a.b/${text}`),
  'the body of a callback': parseHint,
  'the body of a callback as JSON': (text) =>
    parseHint(JSON.stringify({ data: [{ detail: text }], id: text })),
  'a request': (text) =>
    requestHash(
      parseRequest({ model: 'a/b', parameters: { prompt: text, list: piecesOf(text) }, labels: {} }, RULES),
    ),
  // Under one long name, many faults are one to whoever is told of them.
  'a request with many faults': (text) =>
    parseRequest(
      {
        model: 'a/b',
        parameters: { [text.repeat(2)]: Array.from({ length: text.length / 8 }, () => Infinity) },
      },
      RULES,
    ),
  'many faulty inputs of a request': (text) =>
    parseRequest({ model: 'a/b', inputs: { [text]: Array.from({ length: 100 }, () => 1) } }, RULES),
  'many inputs of a request': (text) =>
    parseRequest({ model: 'a/b', inputs: Object.fromEntries(piecesOf(text).map((one) => [one, 1])) }, RULES),
  'what is looked at of inputs': (text) =>
    checkRequest(
      ACCEPT,
      { model: 'a/b', parameters: {}, labels: {}, inputs: { a: piecesOf(text).map(sourceOf) } },
      { origin: 'api' },
    ),
  'what is not JSON': (text) => readJson(text, FILE),
  'what is not JSON from somewhere on': (text) => readJson(`{"a":${text}`, FILE),
  'a text in what is not JSON': (text) => readJson(`{"a":"${text}`, FILE),
  'another format': (text) => readJson(`a,b\n${text}`, FILE),
  'the model of a request': (text) => parseRequest({ model: text }, RULES),
  'a model with a slash': (text) => parseRequest({ model: `a/${text}` }, RULES),
  'a name in a request': (text) => parseRequest({ model: 'a/b', parameters: { [text]: 1 } }, RULES),
  'many names in a request': (text) =>
    parseRequest(
      { model: 'a/b', parameters: Object.fromEntries(piecesOf(text).map((piece, n) => [`n${n}`, piece])) },
      RULES,
    ),
  'a source': (text) => parseSource(text, 'inputs.a', RULES),
  'a source as a URL': (text) => parseSource(`https://${text}`, 'inputs.a', RULES),
  'a source in a bucket': (text) => parseSource(`s3://photos/${text}`, 'inputs.a', RULES),
  'a request against its schema': (text) =>
    checkAgainstSchema({ model: 'a/b', parameters: { prompt: text }, inputs: {} }, schema),
  'unknown parameters of a request': (text) =>
    findUnknownParameters(
      {
        model: 'a/b',
        parameters: Object.fromEntries(piecesOf(text).map((one, n) => [one + n, 1])),
        inputs: {},
      },
      { parameters: MANY },
    ),
  'the value of a parameter': (text) =>
    ['number', 'select', 'text'].map((type) =>
      findFault({ id: 'a', type, required: true, min: 1, max: 2, step: 1, options: [{ value: text }] }, text),
    ),
  'the many values of a parameter': (text) =>
    findFault({ id: 'a', type: 'select', required: true, options: MANY.map(({ id }) => ({ value: id })) }, [
      ...piecesOf(text),
    ]),
  'the closest name': (text) => findClosest(text, [text, `${text}a`, ...piecesOf(text)]),
  'the closest of many names': (text) => findClosest('number-of-pictures-to-make', piecesOf(text)),
  'the price of a request': (text) =>
    PRICES.map((prices) =>
      priceOf(
        {
          parameters: { prompt: text, size: text, samples: text, duration: text, photosUrl: text },
          inputs: {},
        },
        { parameters: [{ id: 'photos', type: 'multifileinput', required: false }] },
        prices,
      ),
    ),
  'a price list': (text) =>
    priceOf({ parameters: { a: 'b' }, inputs: {} }, schema, {
      prices: piecesOf(text).map((one) => ({ inputs: { a: one }, price: one, priceMethod: 'cpr' })),
    }),
  'a price by what a list says': (text) =>
    priceOf({ parameters: { a: text }, inputs: {} }, schema, {
      prices: [{ inputs: { a: text, b: `QUANTITY:${text}` }, price: text, priceMethod: text }],
    }),
  presets: (text) => parsePresets({ [text]: { model: text, fileParameter: text } }, RULES),
  'the key of a dropped file': (text) => readUploadKey(`uploads/${text}`, 'uploads/'),
  'an id in a path': isGenerationId,
  'the path of a request to the API': (path) =>
    answerRequest(API, { method: 'GET', path, body: Buffer.of() }),
  'the path of a request for a generation': (text) =>
    answerRequest(API, { method: 'GET', path: `/generations/${text}`, body: Buffer.of() }),
  'the name of a file to upload': safeFileName,
  'the name of an output': (name) => outputKey({ folder: 'outputs/', attempt: 1, index: 0, name }),
  'the type of an output': (text) =>
    decideContentType({ head: Buffer.from(text), header: text, record: text, name: text }),
  'the address of an output': (text) =>
    checkOutputUrl(`https://a.b/${text}`, [{ kind: 'domain', host: 'a.b' }]),
  'what an output shows to be': (text) =>
    judgeOutput({ head: Buffer.from(`<!--${text}`), record: text, name: text }),
  'the coding of an output': contentCodings,
  'an output in its URL': (text) => readDataUrl(`data:${text}`),
  'an output in its URL as base64': (text) => readDataUrl(`data:;base64,${text}`),
  'the type of an output in its URL': (text) => readDataUrl(`data:${text},`),
  'where an output lies beside another': (text) => keyBeside(text, 'f'.repeat(64)),
  'the kind of an input': (text) => fileKind({ key: text, contentType: `application/${text}` }),
  'the kind of an input by its bytes': (text) => kindFromBytes(Buffer.from(text)),
  'the place of results': (text) => resultsKey(text, '2026-01-01T12:00:00.000Z', 'p'),
  'what a Run is told': (text) =>
    spellRun({
      parameters: { [`callbackurl${text}`]: text },
      files: { a: [{ url: text }, { url: text }] },
      callbackUrl: text,
    }),
  'the host of an output': (text) => checkOutputUrl(`https://${text}`, [{ kind: 'domain', host: 'a.b' }]),
};

describe.each(Object.entries(READERS))('%s', (_, read) => {
  it('takes no longer than its size allows', async () => {
    // What ends otherwise than it began makes a pattern that wants the end try again from everywhere.
    for (const [unit, end] of UNITS.flatMap((unit) => [[unit, ''] as const, [unit, '!'] as const])) {
      const large = textOf(unit, 4 * SIZE) + end;
      // Far too quick to be quadratic: there is nothing to compare.
      if ((await cpuMs(read, large)) < 8 * LEAST_MS) continue;

      const once = await medianMs(read, textOf(unit, SIZE) + end);
      const fourTimes = await medianMs(read, large);

      expect(fourTimes, `of ${JSON.stringify(unit + end)}`).toBeLessThan(8 * Math.max(once, LEAST_MS));
    }
  });
});

const piecesOf = (text: string) => text.match(/.{1,16}/gs) ?? [];

const textOf = (unit: string, length: number) =>
  unit.repeat(Math.ceil(length / unit.length)).slice(0, length);

async function medianMs(read: (text: string) => unknown, text: string): Promise<number> {
  const all: number[] = [];
  while (all.length < 5) all.push(await cpuMs(read, text));
  return all.sort((one, other) => one - other)[2] ?? 0;
}

/** Of the processor, not of the clock: other processes do not count. */
async function cpuMs(read: (text: string) => unknown, text: string): Promise<number> {
  const begun = process.cpuUsage();
  try {
    await read(text);
  } catch {
    // A refusal.
  }
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1_000;
}

it('a file of a thousand requests with unknown names costs seconds', () => {
  const schema = {
    parameters: Array.from({ length: 100 }, (_, n) => ({
      id: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa${n}`,
      type: 'text',
      required: false,
    })),
  };
  const parameters = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb${n}`, 1]),
  );
  const { user: begun } = process.cpuUsage();

  for (let n = 0; n < 1_000; n += 1) findUnknownParameters({ model: 'a/b', parameters, inputs: {} }, schema);

  expect((process.cpuUsage().user - begun) / 1_000).toBeLessThan(5_000);
});

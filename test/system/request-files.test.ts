import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { picture } from '../support/pictures.ts';
import { type GenerationRequestBody, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem();
const { simulator, environment } = system;
const { inputBucket } = environment.endpoints;

interface Result {
  readonly index: number;
  readonly id: string;
  readonly status: string;
  readonly [name: string]: unknown;
}

const request = (prompt: string): GenerationRequestBody => ({
  model: 'wiro/text-to-image',
  parameters: { prompt },
});

/** Puts a request file, and reads the answers once there are `count`. */
async function results(name: string, content: unknown, count: number): Promise<readonly Result[]> {
  await system.put(`requests/${name}`, typeof content === 'string' ? content : JSON.stringify(content));
  return resultsIn(name, count);
}

interface ResultsFile {
  readonly total: number;
  readonly pending: number;
  readonly results: readonly Result[];
}

/** The results files of all puts of a request file, in their order. */
async function resultsFiles(name: string): Promise<readonly ResultsFile[]> {
  const keys = await system.keys(inputBucket, `results/${name}/`);
  return Promise.all(keys.map(async (key) => (await read(key)) as ResultsFile));
}

const resultsIn = (name: string, count: number) =>
  eventually(`${count} results in ${name}`, async () => {
    const listed = (await resultsFiles(name)).flatMap(({ results }) => results);
    return listed.length >= count && listed;
  });

/** Puts a request file, and reads why it was rejected. */
async function rejection(name: string, content: string) {
  await system.put(`requests/${name}`, content);
  const found = await eventually(`the rejection of ${name}`, () => read(`rejected/${name}`));
  await environment.idle();
  expect(await system.keys(inputBucket, `results/${name}`)).toEqual([]);
  return found as { readonly request: string; readonly errors: readonly Record<string, unknown>[] };
}

async function read(key: string): Promise<unknown> {
  const object = await system.object(key);
  return object && JSON.parse(object.bytes.toString());
}

const tasksFor = (prompt: string) =>
  simulator.tasks().filter(({ parameters }) => parameters.prompt === prompt);

describe('a request file becomes generations', () => {
  it('with one request', async () => {
    await system.put('file-input.png', picture(7), 'image/png');

    const [result, ...others] = await results(
      'one.json',
      { model: 'wiro/image-to-image', inputs: { inputImage: 'file-input.png' }, labels: { order: '1' } },
      1,
    );
    const record = await system.read(result?.id ?? '');

    expect(others).toEqual([]);
    expect(result).toMatchObject({
      index: 0,
      model: 'wiro/image-to-image',
      status: 'succeeded',
      attempt: 1,
      labels: { order: '1' },
      outputs: record.outputs.map(({ bucket, key, sha256 }) => ({ bucket, key, sha256 })),
      costUsd: 0.03,
    });
    expect(record).toMatchObject({ status: 'succeeded', inputs: { inputImage: 'file-input.png' } });
    expect(system.eventsOf(record.id).at(-1)?.detail).toMatchObject({ origin: 's3', status: 'succeeded' });
  });

  it('with several, good ends and bad ones, in the order of the file', async () => {
    simulator.faults.add({
      operation: 'task',
      match: { model: 'wiro/language-model' },
      fault: { kind: 'fails', message: 'No words' },
    });
    simulator.faults.add({
      operation: 'Run',
      match: { model: 'wiro/no-parameters' },
      fault: { kind: 'error', code: 97, message: 'Insufficient balance', work: 'never' },
    });

    const all = await results(
      'mixed.json',
      [
        request('first of the mixed'),
        { model: 'wiro/language-model', parameters: { prompt: 'x' } },
        { model: 'wiro/no-parameters' },
        request('last of the mixed'),
      ],
      4,
    );

    expect(
      all.map(({ index, status, error }) => [index, status, (error as { code?: string })?.code]),
    ).toEqual([
      [0, 'succeeded', undefined],
      [1, 'failed', 'model_failed'],
      [2, 'failed', 'insufficient_balance'],
      [3, 'succeeded', undefined],
    ]);
  });

  it('twenty that end at once, and loses none', async () => {
    const all = await results(
      'twenty.json',
      Array.from({ length: 20 }, (_, index) => request(`twenty ${index}`)),
      20,
    );

    expect(all.map(({ index, status }) => [index, status])).toEqual(
      Array.from({ length: 20 }, (_, index) => [index, 'succeeded']),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(20);
  });

  it.each([
    '2026/11/nested.json',
    'with spaces and a + in it.json',
    'größe/写真 100%41.json',
    "it's (one)!.json",
  ])('under the key %s', async (name) => {
    const [result] = await results(name, request(`under ${name}`), 1);

    expect(result).toMatchObject({ status: 'succeeded' });
    expect(tasksFor(`under ${name}`)).toHaveLength(1);
  });

  it('with a byte order mark before it', async () => {
    const [result] = await results('bom.json', `\uFEFF${JSON.stringify(request('after a mark'))}`, 1);

    expect(result).toMatchObject({ status: 'succeeded' });
  });

  it('again when it is put again with other requests, and answers each put in a file of its own', async () => {
    await results('again.json', request('the first time'), 1);

    await results('again.json', request('the second time'), 2);

    expect(await resultsFiles('again.json')).toMatchObject([
      { total: 1, pending: 0, results: [{ index: 0, status: 'succeeded' }] },
      { total: 1, pending: 0, results: [{ index: 0, status: 'succeeded' }] },
    ]);
    expect([tasksFor('the first time').length, tasksFor('the second time').length]).toEqual([1, 1]);
  });

  it('one set of them, however often the same event is delivered', async () => {
    // The trigger delivers it too: these bytes under this key are one drop.
    const key = 'requests/delivered-by-hand';
    const prompts = ['thrice a', 'thrice b'];
    await system.put(key, JSON.stringify(prompts.map(request)));
    const event = {
      Records: [{ s3: { bucket: { name: inputBucket }, object: { key, sequencer: '0055AED6DCD90281E5' } } }],
    };

    await Promise.all([environment.invoke('submit', event), environment.invoke('submit', event)]);
    const first = await resultsIn('delivered-by-hand', 2);
    await environment.invoke('submit', event);
    await environment.idle();
    const second = await resultsIn('delivered-by-hand', 2);

    expect(second).toEqual(first);
    expect(prompts.map((prompt) => tasksFor(prompt).length)).toEqual([1, 1]);
  });
});

describe('a request file that is not right is rejected whole, and nothing is run:', () => {
  it('malformed JSON', async () => {
    const { request: file, errors } = await rejection('malformed.json', '[{"model": "wiro/text-to-image",]');

    expect(file).toBe(`s3://${inputBucket}/requests/malformed.json`);
    expect(errors).toEqual([
      {
        code: 'invalid_request',
        message: expect.stringMatching(/not JSON: expected .* at line 1, column 33, but found "\]"/),
        retryable: false,
      },
    ]);
  });

  it('two bad ones among good ones, each with its place', async () => {
    const requests = [
      request('good among bad'),
      { model: 'wiro/text-to-image' },
      { model: 'wiro/image-to-image', inputs: { inputImage: 'no/such.png' } },
      request('good among bad'),
    ];

    const { errors } = await rejection('some-bad.json', JSON.stringify(requests));

    expect(errors.map(({ code, field }) => [code, field]).sort()).toEqual([
      ['input_not_found', '[2].inputs.inputImage'],
      ['invalid_parameter', '[1].parameters.prompt'],
    ]);
    expect(tasksFor('good among bad')).toEqual([]);
  });

  it('wrong types among good ones, with their place', async () => {
    const { errors } = await rejection(
      'wrong-types.json',
      JSON.stringify([request('good among wrong'), 7, { model: 'wiro/text-to-image', parameters: 'x' }]),
    );

    expect(errors).toEqual([
      {
        code: 'invalid_request',
        message: expect.stringMatching(/^\[1\] must be a JSON object/),
        retryable: false,
      },
      {
        code: 'invalid_parameter',
        message: expect.stringMatching(/^\[2\]\.parameters must be an object/),
        field: '[2].parameters',
        retryable: false,
      },
    ]);
    expect(tasksFor('good among wrong')).toEqual([]);
  });

  it('a single request, with its field', async () => {
    const { errors } = await rejection('bad/one.json', JSON.stringify({ model: 'wiro/no-such-model' }));

    expect(errors).toMatchObject([{ code: 'model_not_found', field: 'model' }]);
  });

  it('two requests with one key', async () => {
    const { errors } = await rejection(
      'same-key.json',
      JSON.stringify(['a', 'b'].map((prompt) => ({ ...request(prompt), idempotencyKey: 'same' }))),
    );

    expect(errors).toMatchObject([{ code: 'idempotency_conflict', field: '[1].idempotencyKey' }]);
  });

  it('no request at all', async () => {
    expect((await rejection('none.json', '[]')).errors).toMatchObject([{ code: 'invalid_request' }]);
    expect((await rejection('empty.json', '')).errors).toMatchObject([{ code: 'invalid_request' }]);
  });

  it('more than 1,000 requests', async () => {
    const many = Array.from({ length: 1_001 }, () => request('one of very many'));

    const { errors } = await rejection('many.json', JSON.stringify(many));

    expect(errors).toMatchObject([{ message: expect.stringMatching(/1001 requests; at most 1000/) }]);
    expect(tasksFor('one of very many')).toEqual([]);
  });

  it('more than 1 MB', async () => {
    const { errors } = await rejection('large.json', JSON.stringify(request('x'.repeat(1024 * 1024))));

    expect(errors).toMatchObject([{ code: 'request_too_large', message: expect.stringMatching(/1 MB/) }]);
  });
});

it('takes the test event that S3 sends when the trigger is deployed for nothing', async () => {
  const event = { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: inputBucket };

  expect(await environment.invoke('submit', event)).toBeNull();
});

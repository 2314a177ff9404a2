import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTask } from '../../../functions/wiro/answers/parse-task.ts';

/** The sample of the model's page. */
const SAMPLE = {
  id: '534574',
  uuid: '15bce51f-442f-4f44-a71d-13c6374a62bd',
  socketaccesstoken: 'eDcCm5yyUfIvMFspTwww49OUfgXkQt',
  parameters: { inputImage: 'https://api.wiro.ai/v1/File/x/inputImage.png' },
  debugoutput: '',
  debugerror: '',
  elapsedseconds: '6.0000',
  status: 'task_postprocess_end',
  totalcost: '0.003510000000',
  guestid: null,
  callbackurl: '',
  createtime: '1734513807',
  pexit: '0',
  categories: '["tool","image-to-image"]',
  outputs: [
    {
      id: '6bc392c93856dfce3a7d1b4261e15af3',
      name: '0.png',
      contenttype: 'image/png',
      size: '202472',
      url: 'https://cdn1.wiro.ai/6a6af820/0.png',
    },
  ],
};

it('reads the sample record', () => {
  expect(parseTask(SAMPLE)).toEqual({
    id: '534574',
    token: 'eDcCm5yyUfIvMFspTwww49OUfgXkQt',
    status: 'task_postprocess_end',
    end: 'succeeded',
    exitCode: '0',
    createdAtSeconds: 1734513807,
    callbackUrl: '',
    outputs: [
      {
        kind: 'file',
        name: '0.png',
        url: 'https://cdn1.wiro.ai/6a6af820/0.png',
        contentType: 'image/png',
        sizeBytes: 202472,
      },
    ],
    costUsd: 0.00351,
    elapsedSeconds: 6,
  });
});

it('reads real numbers as well, and a record of nulls', () => {
  expect(
    parseTask({ id: 5, status: 'task_queue', createtime: 1734513807, totalcost: 0.5, pexit: 0 }),
  ).toEqual({
    id: '5',
    status: 'task_queue',
    end: 'unfinished',
    exitCode: '0',
    createdAtSeconds: 1734513807,
    outputs: [],
    costUsd: 0.5,
  });
  const nulls = { pexit: null, outputs: null, callbackurl: null, createtime: null, debugerror: null };
  expect(parseTask({ id: '5', status: 'task_start', ...nulls })).toEqual({
    id: '5',
    status: 'task_start',
    end: 'unfinished',
    outputs: [],
  });
});

it.each([null, 'x', 5, [], {}, { id: '5' }, { status: 'task_start' }, { id: '', status: 'x' }])(
  'returns undefined for %j, which has no id or no status',
  (row) => {
    expect(parseTask(row)).toBeUndefined();
  },
);

describe('end', () => {
  it.each([
    ['task_postprocess_end', '0', 'succeeded'],
    ['task_postprocess_end', 0, 'succeeded'],
    ['task_postprocess_end', '1', 'failed'],
    ['task_postprocess_end', -9, 'failed'],
    ['task_postprocess_end', 'killed', 'failed'],
    ['task_postprocess_end', '', 'unfinished'],
    ['task_postprocess_end', null, 'unfinished'],
    ['task_cancel', '0', 'cancelled'],
    ['task_cancel', '', 'cancelled'],
    ['task_error', '', 'unfinished'],
    ['task_error', '0', 'unfinished'],
    ['task_error', '1', 'unfinished'],
    ['task_end', '0', 'unfinished'],
    ['task_output_full', '0', 'unfinished'],
    ['task_queue', '', 'unfinished'],
    ['something_new', '1', 'unfinished'],
  ])('%s with pexit %j is %s', (status, pexit, end) => {
    expect(parseTask({ id: '1', status, pexit })?.end).toBe(end);
  });
});

it.each([
  ['task_error', true],
  ['task_start', undefined],
  ['task_postprocess_end', undefined],
])('tells whether a task with status %s is at an error: %j', (status, isAtError) => {
  expect(parseTask({ id: '1', status, pexit: '1' })?.isAtError).toBe(isAtError);
});

describe('callback URL', () => {
  it.each([
    ['shown', { callbackurl: 'https://cb.example/1' }, 'https://cb.example/1'],
    ['shown in the other spelling', { callbackUrl: 'https://cb.example/1' }, 'https://cb.example/1'],
    [
      'shown in both, once empty',
      { callbackurl: '', callbackUrl: 'https://cb.example/1' },
      'https://cb.example/1',
    ],
    ['shown to be none', { callbackurl: '' }, ''],
    ['not shown', {}, undefined],
    ['null, which proves nothing', { callbackurl: null }, undefined],
  ])('%s', (_, row, expected) => {
    expect(parseTask({ id: '1', status: 'task_start', ...row })?.callbackUrl).toBe(expected);
  });
});

describe('outputs', () => {
  const outputsOf = (outputs: unknown, debugoutput = '') =>
    parseTask({ id: '1', status: 'task_postprocess_end', outputs, debugoutput })?.outputs;

  it("keeps a language model's answer, with the merged text", () => {
    const content = { prompt: 'p', raw: 'r', thinking: [], answer: ['a'] };

    expect(outputsOf([{ contenttype: 'raw', content }], 'a')).toEqual([{ kind: 'raw', content, text: 'a' }]);
  });

  it('reads why a language model stopped and what it counted, and keeps its segments', () => {
    const content = {
      raw: 'r',
      segments: [{ type: 'function_call', id: '1', call_id: 'c', name: 'f', arguments: '{}' }],
      finishreason: 'tool_calls',
      usage: { prompt_tokens: 9 },
    };
    const large = { raw: 'r', finishreason: 7, usage: { list: 'x'.repeat(3_000) } };

    expect(outputsOf([{ contenttype: 'raw', content }])).toEqual([
      { kind: 'raw', content, finishReason: 'tool_calls', usage: { prompt_tokens: 9 } },
    ]);
    expect(outputsOf([{ contenttype: 'raw', content: large }])).toEqual([
      { kind: 'raw', content: large, finishReason: '7' },
    ]);
  });

  it('reads a list in a JSON string, and files that are a bare URL or have no name', () => {
    expect(outputsOf('[{"id":"f1","url":"https://cdn.wiro.ai/1"}]')).toEqual([
      { kind: 'file', name: 'f1', url: 'https://cdn.wiro.ai/1' },
    ]);
    expect(outputsOf(['https://cdn.wiro.ai/1'])).toEqual([
      { kind: 'file', name: 'output', url: 'https://cdn.wiro.ai/1' },
    ]);
  });

  it('keeps everything that it does not understand, except null', () => {
    expect(outputsOf([null, { odd: 1 }, 'text', { url: 'javascript:1' }])).toEqual([
      { kind: 'raw', content: { odd: 1 } },
      { kind: 'raw', content: 'text' },
      { kind: 'file', name: 'output', url: 'javascript:1' },
    ]);
  });

  it.each([
    ['a list', [{ name: '0.png', url: 'https://cdn.wiro.ai/1' }]],
    ['a JSON string', '[{"name":"0.png","url":"https://cdn.wiro.ai/1"}]'],
    ['one by itself', { name: '0.png', url: 'https://cdn.wiro.ai/1' }],
  ])("reads `output` where `outputs` holds nothing, as Wiro's own clients do: %s", (_, output) => {
    const row = { id: '1', status: 'task_postprocess_end', pexit: '0', output };
    const file = { kind: 'file', name: '0.png', url: 'https://cdn.wiro.ai/1' };

    expect(parseTask(row)?.outputs).toEqual([file]);
    expect(parseTask({ ...row, outputs: [] })?.outputs).toEqual([file]);
    expect(parseTask({ ...row, outputs: null })?.outputs).toEqual([file]);
    expect(parseTask({ ...row, outputs: ['https://cdn.wiro.ai/2'] })?.outputs).toMatchObject([
      { url: 'https://cdn.wiro.ai/2' },
    ]);
  });

  it('returns every form of a URL: another module decides whether it may be fetched', () => {
    const urls = ['//cdn.wiro.ai/1', 'http://cdn.wiro.ai/1', 'data:text/plain,hello', 'ftp://cdn.wiro.ai/1'];

    expect(outputsOf(urls.map((url) => ({ name: 'one', url: ` ${url}` })))).toEqual(
      urls.map((url) => ({ kind: 'file', name: 'one', url })),
    );
  });

  it.each([
    ['is missing', {}],
    ['is empty', { url: '' }],
    ['is null', { url: null }],
  ])("takes a file whose URL %s for no model's answer: its record holds an access key", (_, url) => {
    const file = { id: 'f1', name: '0.png', contenttype: 'image/png', size: '9', accesskey: 'key', ...url };

    expect(outputsOf([file])).toEqual([
      { kind: 'file', name: '0.png', contentType: 'image/png', sizeBytes: 9 },
    ]);
    expect(JSON.stringify(outputsOf([{ id: 'f1', accesskey: 'key', ...url }]))).not.toContain('key');
  });
});

it("truncates Wiro's error text to 2,000 characters, without tokens and presigned queries", () => {
  const debugerror = `tok-1 https://b.example/a?X-Amz-Signature=abc https://cb.example/1 ${'x'.repeat(3_000)}`;
  const callbackurl = 'https://cb.example/1';

  const text = parseTask({
    id: '1',
    status: 'task_error',
    socketaccesstoken: 'tok-1',
    callbackurl,
    debugerror,
  })?.errorText;

  expect(text).toHaveLength(2_000);
  expect(text).toMatch(/^… https:\/\/b\.example\/a\?… … x+…$/);
});

it("removes the URL of an output from Wiro's error text", () => {
  const { errorText } =
    parseTask({
      id: '1',
      status: 'task_postprocess_end',
      pexit: '1',
      outputs: [{ url: 'https://files.example/capability/0.png' }],
      debugerror: 'Saved https://files.example/capability/0.png, then ran out of memory',
    }) ?? {};

  expect(errorText).toBe('Saved …, then ran out of memory');
});

it("removes the URLs of a hundred thousand outputs from Wiro's error text", () => {
  const outputs = Array.from({ length: 200_000 }, (_, index) => ({ url: `https://files.example/${index}` }));
  const row = { id: '1', status: 'task_postprocess_end', pexit: '1', outputs };

  const task = parseTask({ ...row, debugerror: 'Saved https://files.example/199999' });

  expect(task?.errorText).toMatch(/^Saved …/);
});

it('reads an answer whose usage is nested without end, and leaves the usage out', () => {
  const usage = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  const row = `{"id":"1","status":"task_postprocess_end","pexit":"0","outputs":[{"content":{"usage":${usage}}}]}`;

  const output = parseTask(JSON.parse(row))?.outputs[0];

  expect(output?.kind).toBe('raw');
  expect(output).not.toHaveProperty('usage');
});

it('reads no cost and no time that cannot be recorded', () => {
  const row = { id: '1', status: 'task_postprocess_end', pexit: '0' };

  for (const [totalcost, elapsedseconds] of [
    ['1e300', 1e16],
    ['10000000001', '99999999999999999999'],
    ['-0.01', '-1'],
    ['NaN', 'Infinity'],
  ])
    expect(parseTask({ ...row, totalcost, elapsedseconds })).toEqual({
      id: '1',
      status: 'task_postprocess_end',
      end: 'succeeded',
      exitCode: '0',
      outputs: [],
    });
});

it('never throws', () => {
  const row = fc.dictionary(
    fc.constantFrom(
      'id',
      'status',
      'pexit',
      'outputs',
      'createtime',
      'callbackurl',
      'debugerror',
      'totalcost',
      '__proto__',
    ),
    fc.oneof(fc.jsonValue(), fc.constantFrom('task_postprocess_end', '0', '[', 'https://x')),
  );
  fc.assert(
    fc.property(fc.oneof(row, fc.jsonValue()), (value) => {
      const task = parseTask(value);
      if (task !== undefined) expect(typeof task.id).toBe('string');
    }),
  );
});

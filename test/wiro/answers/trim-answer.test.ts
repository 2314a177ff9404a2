import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createTrimmer,
  type Rule,
  TASK_DETAIL,
  TASK_LIST,
} from '../../../functions/wiro/answers/trim-answer.ts';

/** Writes the answer in chunks of `size` bytes. */
function trimmed(text: string, rule: Rule, { piece = 7, most = 1_000_000 } = {}): string {
  const trimmer = createTrimmer(rule, most);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += piece) trimmer.write(bytes.subarray(at, at + piece));
  return trimmer.end();
}

const ANSWER = {
  total: '1',
  errors: [],
  tasklist: [
    {
      id: '7',
      parameters: { prompt: 'x'.repeat(500), deep: [[[{ id: 'not this one' }]]] },
      debugoutput: 'step 1\n'.repeat(20_000),
      debugerror: 'é"\\\n😀'.repeat(8_000),
      status: 'task_postprocess_end',
      outputs: [{ url: 'https://cdn.wiro.ai/a.png', size: '3' }],
      createtime: 1734513807,
    },
  ],
  result: true,
};

describe('a large answer', () => {
  it('keeps the needed fields of a task, and drops or truncates the rest', () => {
    const { debugerror, ...task } = JSON.parse(trimmed(JSON.stringify(ANSWER), TASK_DETAIL)).tasklist[0];

    expect(task).toEqual({
      id: '7',
      status: 'task_postprocess_end',
      outputs: [{ url: 'https://cdn.wiro.ai/a.png', size: '3' }],
      createtime: 1734513807,
    });
    expect(ANSWER.tasklist[0]?.debugerror.startsWith(debugerror)).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(debugerror))).toBeGreaterThan(16_000);
    expect(Buffer.byteLength(JSON.stringify(debugerror))).toBeLessThan(17_000);
  });

  it('keeps the fields of the answer that the client reads, and a short log', () => {
    const text = JSON.stringify({ ...ANSWER, tasklist: [{ debugoutput: 'Hello' }, null, 'odd', { id: 1 }] });

    expect(JSON.parse(trimmed(text, TASK_DETAIL))).toEqual({
      total: '1',
      errors: [],
      tasklist: [{ debugoutput: 'Hello' }, null, 'odd', { id: 1 }],
      result: true,
    });
  });

  it('drops the outputs of a list', () => {
    expect(JSON.parse(trimmed(JSON.stringify(ANSWER), TASK_LIST)).tasklist).toEqual([
      { id: '7', status: 'task_postprocess_end', createtime: 1734513807 },
    ]);
  });

  it('keeps a value byte for byte', () => {
    const outputs = '[ {"content" : {"seed":12345678901234567890,"f":1.0 , "u":"\\u0041\\/"}} ]';
    const text = `\uFEFF {"tasklist": [{"x":1,"outputs" : ${outputs}}],"result":true}\n`;

    expect(trimmed(text, TASK_DETAIL)).toBe(`{"tasklist":[{"outputs":${outputs}}],"result":true}`);
  });

  it('drops a value that is 100,000 levels deep like any other', () => {
    const deep = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;

    expect(trimmed(`{"x":${deep},"result":true,"tasklist":[]}`, TASK_DETAIL)).toBe(
      '{"result":true,"tasklist":[]}',
    );
  });

  it.each([
    '{"result":true',
    '{"result":tr',
    '{"result" true}',
    '{"tasklist":[}',
    '{}{}',
    '',
    '{"a":1]',
    'x{',
  ])('gives an empty text for %j, which is not JSON', (text) => {
    expect(() => JSON.parse(trimmed(text, TASK_DETAIL))).toThrow(SyntaxError);
  });

  it('fails if the needed part exceeds the limit', () => {
    const text = JSON.stringify({ tasklist: [{ outputs: ['x'.repeat(2_000)] }] });

    expect(() => trimmed(text, TASK_DETAIL, { most: 1_000 })).toThrow(
      'the needed part of its answer exceeds 1000 bytes',
    );
  });

  it('gives the same result for every chunk size, and the same as JSON.parse', () => {
    const rule: Rule = {
      fields: {
        a: { keep: 'all' },
        list: { items: { fields: { a: { keep: 'all' }, b: { keep: 'small', mostBytes: 12 } } } },
      },
    };
    const part = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'list', '"\\'), fc.jsonValue({ maxDepth: 2 }));
    const answers = fc.record(
      { a: fc.jsonValue(), list: fc.array(part), c: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        answers,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(undefined, 1),
        (answer, piece, space) => {
          const kept = JSON.parse(trimmed(JSON.stringify(answer, null, space), rule, { piece }));

          const isSmall = (value: unknown) => Buffer.byteLength(JSON.stringify(value, null, space)) <= 12;
          const list = answer.list?.map((row) => ({
            ...('a' in row && { a: row.a }),
            // A nested value depends on the indentation, so only plain values are compared.
            ...('b' in row &&
              (typeof row.b !== 'object' || row.b === null) &&
              isSmall(row.b) && { b: row.b }),
          }));
          const plain = kept.list?.map(({ b, ...row }: { a?: unknown; b?: unknown }) =>
            b !== undefined && (typeof b !== 'object' || b === null) ? { ...row, b } : row,
          );
          expect({ ...kept, ...(plain && { list: plain }) }).toEqual(
            JSON.parse(JSON.stringify({ ...('a' in answer && { a: answer.a }), ...(list && { list }) })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

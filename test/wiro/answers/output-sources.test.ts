import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutputSources } from '../../../functions/wiro/answers/output-sources.ts';

const CONTENT = '{ "seed": 12345678901234567890, "f": 1.0, "big": 1e400, "u": "\\u0041]}\\"" }';

describe('the source of an output', () => {
  it('is its content as Wiro wrote it, or else the whole output', () => {
    const text = `{"result":true,"tasklist":[{"id":"1"},{"outputs":[ {"contenttype":"raw","content": ${CONTENT} }, null , 7e1, {"content":null}, "a,b" ]}]}`;
    const sources = createOutputSources(text);

    expect(sources(1)('outputs')).toEqual([CONTENT, '7e1', 'null', '"a,b"']);
    expect([sources(0)('outputs'), sources(2)('outputs'), sources(1)('output')]).toEqual([[], [], []]);
  });

  it.each([
    ['a list that is a text', `{"tasklist":[{"outputs":${JSON.stringify(`[{"content":${CONTENT}}]`)}}]}`],
    ['rows that are a text', `{"tasklist":${JSON.stringify(`[{"outputs":[{"content":${CONTENT}}]}]`)}}`],
    ['one output alone', `{"tasklist":[{"outputs":{"content":${CONTENT}}}]}`],
    ['the last of two lists', `{"tasklist":[{"outputs":[1],"out\\u0070uts":[{"content":${CONTENT}}]}]}`],
    ['a text with a byte order mark', `\uFEFF{"tasklist":[{"outputs":[{"content":${CONTENT}}]}]}`],
  ])('is found in %s', (_, text) => {
    expect(createOutputSources(text)(0)('outputs')).toEqual([CONTENT]);
  });

  it('parses to the same value as the whole answer', () => {
    const output = fc.oneof(fc.jsonValue(), fc.record({ content: fc.jsonValue(), name: fc.string() }));
    fc.assert(
      fc.property(
        fc.record({
          result: fc.boolean(),
          tasklist: fc.array(fc.record({ id: fc.string(), outputs: fc.array(output) })),
        }),
        fc.constantFrom(undefined, 2),
        (answer, space) => {
          const text = JSON.stringify(answer, null, space);
          const parsed = JSON.parse(text) as { tasklist: { outputs: unknown[] }[] };
          const sources = createOutputSources(text);

          for (const [row, { outputs }] of parsed.tasklist.entries())
            expect(sources(row)('outputs').map((source) => JSON.parse(source))).toEqual(
              outputs
                .filter((one) => one !== null)
                .map((one) =>
                  typeof one === 'object' && !Array.isArray(one) && Object.hasOwn(one as object, 'content')
                    ? (one as { content: unknown }).content
                    : one,
                ),
            );
        },
      ),
      { numRuns: 500 },
    );
  });
});

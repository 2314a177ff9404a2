import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHint } from '../../../functions/wiro/answers/parse-hint.ts';

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

describe('parseHint', () => {
  it.each([
    ['a bare task', '{"id":"534574","uuid":"u"}', '534574'],
    ['a number', '{"taskid":534574}', '534574'],
    ['a list of tasks', '{"result":true,"tasklist":[{"id":"1"}],"id":"of the answer"}', '1'],
    ['a list without anything around it', '[{"id":"1"}]', '1'],
    ['an answer around it', '{"data":{"task":{"taskId":"1"}}}', '1'],
    ['its own name before a general one', '{"id":"general","taskid":"1"}', '1'],
    ['JSON as text in JSON', JSON.stringify({ payload: '{"id":"1"}' }), '1'],
    ['a task with files of its own', '{"output":[{"id":"f1"}],"outputs":[{"id":"f2"}],"id":"1"}', '1'],
    ['a form', form({ taskid: '1' }), '1'],
    ['JSON in a form', form({ tasklist: '[{"id":"1"}]' }), '1'],
  ])('finds the task in %s', (_, body, id) => {
    expect(parseHint(body)).toBe(id);
  });

  it.each([
    ['nothing', ''],
    ['text', 'done'],
    ['nothing but a value', '"1"'],
    ['null', 'null'],
    ['two tasks', '{"tasklist":[{"id":"1"},{"id":"2"}]}'],
    ['an id that is none', '{"id":"../1"}'],
    ['an id of another kind', '{"id":{"$gt":""}}'],
    ['an empty id', '{"id":""}'],
    ['a task buried deep', `${'{"data":'.repeat(9)}{"id":"1"}${'}'.repeat(9)}`],
    ['a body of more than a megabyte', JSON.stringify({ id: '1', pad: 'x'.repeat(1_000_000) })],
  ])('finds none in %s', (_, body) => {
    expect(parseHint(body)).toBeUndefined();
  });

  it('takes any body, and returns a harmless text or nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.webQueryParameters()), (body) => {
        const hint = parseHint(body);

        expect(hint === undefined || /^[A-Za-z0-9-]{1,64}$/.test(hint)).toBe(true);
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { readJson } from '../../functions/request/read-json.ts';

const saidOf = (text: string) => {
  const read = readJson(text, 'The file');
  return read.kind === 'unreadable' ? read.message : read.value;
};

describe('what is no JSON', () => {
  it.each([
    ['{"a": 1,\n "b": x}', 'in line 2, column 7 there is "x" where a value'],
    ['{"a": 1\n "b": 2}', 'in line 2, column 2 there is "\\"" where "," or "}" is expected.'],
    ['{"a": 1,\n}', 'in line 2, column 1 there is "}" where a name in double quotes is expected.'],
    ['[1, 2,]', 'in line 1, column 7 there is "]" where a value'],
    ["{'a': 1}", 'in line 1, column 2 there is "\'" where a name in double quotes or "}" is expected.'],
    ['{a: 1}', 'in line 1, column 2 there is "a" where a name in double quotes or "}" is expected.'],
    ['{"a" 1}', 'in line 1, column 6 there is "1" where ":" is expected.'],
    ['{"a": 1}\n{"a": 2}', 'in line 2, column 1 there is "{" where the end is expected.'],
    [
      '{"a": "x\ny"}',
      'in line 1, column 9 there is "\\n" where the rest of a text (a line break in it is written \\n)',
    ],
    ['{"a": "C:\\x"}', 'in line 1, column 10 there is "\\\\" where the rest of a text (a backslash'],
    ['{"a": "x', 'it ends in line 1, column 9, where the closing quotes of a text is expected.'],
    ['{"model":', 'it ends in line 1, column 10, where a value'],
    ['[[], {}, [1], {"a": {}}, tru]', 'in line 1, column 26 there is "t" where a value'],
    ['[01]', 'in line 1, column 3 there is "1" where "," or "]" is expected.'],
    ['[😀]', 'in line 1, column 2 there is "😀" where a value'],
    ['', 'it is empty.'],
    [' \n', 'it is empty.'],
    ['model,prompt\nwiro/a,"A hill"\n', 'it looks like CSV. Write {"model"'],
    ['"model";"prompt"\n"wiro/a";"A hill"', 'it looks like CSV.'],
    ['model\tprompt\nwiro/a\tA hill', 'it looks like a table with tabs.'],
    ['model: wiro/a\nprompt: A hill', 'it looks like YAML.'],
    ['<!DOCTYPE html><html>', 'it looks like an HTML page.'],
    ['<?xml version="1.0"?>', 'it looks like XML.'],
    ['%PDF-1.7\n', 'it looks like a PDF.'],
    ['Dear Sir or Madam', 'in line 1, column 1 there is "D" where a value'],
  ])('%j is told where, or what it is instead', (text, part) => {
    expect(saidOf(text)).toContain(`The file is not JSON: ${part}`);
  });

  it('never quotes the machine', () => {
    for (const text of ['{', 'x', '\ufffd\ufffd', '{"a":\u0000}', '\ud800'])
      expect(saidOf(text)).not.toMatch(/Unexpected|position|\ufffd\ufffd/);
  });
});

it('reads JSON, also behind a byte order mark', () => {
  expect(saidOf('\uFEFF{"a": [1, "x\\u00e9\\n"]}')).toEqual({ a: [1, 'xé\n'] });
});

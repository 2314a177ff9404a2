import { describe, expect, it } from 'vitest';
import { readJson } from '../../functions/request/read-json.ts';

const saidOf = (text: string) => {
  const read = readJson(text, { what: 'The file', remedy: '{"model": …}' });
  return read.kind === 'unreadable' ? read.message : read.value;
};

describe('a text that is not JSON', () => {
  it.each([
    [
      '{"a": 1,\n "b": x}',
      'expected a value (text in double quotes, a number, true, false, null) at line 2, column 7, but found "x".',
    ],
    ['{"a": 1\n "b": 2}', 'expected "," or "}" at line 2, column 2, but found "\\"".'],
    ['{"a": 1,\n}', 'expected a name in double quotes at line 2, column 1, but found "}".'],
    ['[1, 2,]', 'null) at line 1, column 7, but found "]".'],
    ["{'a': 1}", 'expected a name in double quotes or "}" at line 1, column 2, but found "\'".'],
    ['{a: 1}', 'expected a name in double quotes or "}" at line 1, column 2, but found "a".'],
    ['{"a" 1}', 'expected ":" at line 1, column 6, but found "1".'],
    ['{"a": 1}\n{"a": 2}', 'expected the end at line 2, column 1, but found "{".'],
    [
      '{"a": "x\ny"}',
      'expected more text (write a line break in a text as \\n) at line 1, column 9, but found "\\n".',
    ],
    [
      '{"a": "C:\\x"}',
      'expected more text (write a backslash in a text as \\\\) at line 1, column 10, but found "\\\\".',
    ],
    ['{"a": "x', 'expected the closing quote of a text at line 1, column 9, but the text ends there.'],
    ['{"model":', 'null) at line 1, column 10, but the text ends there.'],
    ['[[], {}, [1], {"a": {}}, tru]', 'null) at line 1, column 26, but found "t".'],
    ['[01]', 'expected "," or "]" at line 1, column 3, but found "1".'],
    ['[😀]', 'null) at line 1, column 2, but found "😀".'],
    ['', 'it is empty.'],
    [' \n', 'it is empty.'],
    ['model,prompt\nwiro/a,"A hill"\n', 'it looks like CSV. Write {"model"'],
    ['"model";"prompt"\n"wiro/a";"A hill"', 'it looks like CSV.'],
    ['model\tprompt\nwiro/a\tA hill', 'it looks like a table with tabs.'],
    ['model: wiro/a\nprompt: A hill', 'it looks like YAML.'],
    ['<!DOCTYPE html><html>', 'it looks like an HTML page.'],
    ['<?xml version="1.0"?>', 'it looks like XML.'],
    ['%PDF-1.7\n', 'it looks like a PDF.'],
    ['Dear Sir or Madam: please', 'it begins with the text "Dear". Write {"model"'],
    ['“model”', 'null) at line 1, column 1, but found "“".'],
  ])('%j is explained by its position or its format', (text, part) => {
    expect(saidOf(text)).toMatch(/^The file is not JSON: /);
    expect(saidOf(text)).toContain(part);
  });

  it('never quotes the error of JSON.parse', () => {
    for (const text of ['{', 'x', '\ufffd\ufffd', '{"a":\u0000}', '\ud800'])
      expect(saidOf(text)).not.toMatch(/Unexpected|position|\ufffd\ufffd/);
  });
});

it('reads JSON, also behind a byte order mark', () => {
  expect(saidOf('\uFEFF{"a": [1, "x\\u00e9\\n"]}')).toEqual({ a: [1, 'xé\n'] });
});

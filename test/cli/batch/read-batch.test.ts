import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readBatch } from '../../../cli/batch/read-batch.ts';
import { EXIT } from '../../../cli/errors.ts';
import { temporaryFolder } from '../support.ts';

const folder = temporaryFolder();

async function read(name: string, content: string | Uint8Array) {
  await writeFile(folder.file(name), content);
  const { rows, problems } = await readBatch(folder.file(name));
  return {
    rows: rows.map(({ line, content: row }) => [line, row.kind === 'cells' ? row.cells : row.request]),
    problems: problems.map(({ line, message }) => `${line}: ${message}`),
  };
}

describe('a table', () => {
  it('has quotes, commas and lines within cells, a mark at its beginning, and leaves out empty cells', async () => {
    const { rows, problems } = await read(
      'b.csv',
      '\ufeffmodel,prompt,image\r\nwiro/a,"A ""quoted"", long\r\nprompt",\r\n\r\nwiro/b,two,b.png\r\n',
    );

    expect(problems).toEqual([]);
    expect(rows).toEqual([
      [2, { model: 'wiro/a', prompt: 'A "quoted", long\nprompt' }],
      [5, { model: 'wiro/b', prompt: 'two', image: 'b.png' }],
    ]);
  });

  it.each([
    ['semicolons', 'model;prompt\nwiro/a;"one; two, three"'],
    ['tabs', 'model\tprompt\nwiro/a\tone; two, three'],
  ])('may be divided by %s', async (_, text) => {
    expect((await read('b.csv', text)).rows).toEqual([[2, { model: 'wiro/a', prompt: 'one; two, three' }]]);
  });

  it('may be in UTF-16, as spreadsheets write it', async () => {
    const bytes = Buffer.from('\ufeffmodel\tprompt\nwiro/a\té', 'utf16le');

    expect((await read('b.txt', bytes)).rows).toEqual([[2, { model: 'wiro/a', prompt: 'é' }]]);
  });

  it('is refused with the lines of what is wrong', async () => {
    const columns = await read('b.csv', 'model,prompt,prompt,,x\nwiro/a,b,c,d,e');
    const cells = await read('c.csv', 'model,prompt\nwiro/a,one, two\nwiro/b,fine');
    const quotes = await read('d.csv', 'model,prompt\nwiro/a,"never closed\nwiro/b,x');

    expect(columns.problems).toEqual([
      '1: two columns are named "prompt": rename one',
      '1: column 4 has no name: the first line names the columns',
    ]);
    expect(cells.problems).toEqual([
      '2: it has 3 cells, and the table has 2 columns: put text that contains "," in quotes',
    ]);
    expect(cells.rows).toEqual([[3, { model: 'wiro/b', prompt: 'fine' }]]);
    expect(quotes.problems).toEqual([expect.stringMatching(/^\d: a quoted text is never closed/)]);
  });
});

describe('JSON', () => {
  it('is a list, with the line of each request', async () => {
    const text =
      '[\n  { "model": "wiro/a",\n    "labels": {"x": "[\\"{"} },\n\n  {"model": "wiro/b"}, {"model": "wiro/c"}\n]';

    expect((await read('b.json', text)).rows).toEqual([
      [2, { model: 'wiro/a', labels: { x: '["{' } }],
      [5, { model: 'wiro/b' }],
      [5, { model: 'wiro/c' }],
    ]);
  });

  it('is one request, or one a line', async () => {
    expect((await read('b.json', '{"model":"wiro/a"}')).rows).toEqual([[1, { model: 'wiro/a' }]]);
    expect((await read('b.jsonl', '{"model":"wiro/a"}\n\n{"model":"wiro/b"}\n')).rows).toEqual([
      [1, { model: 'wiro/a' }],
      [3, { model: 'wiro/b' }],
    ]);
  });

  it('is refused with the lines of what is wrong', async () => {
    const list = await read('b.json', '[\n{"model": "wiro/a"},\n"wiro/b"]');
    const broken = await read('c.json', '[\n{"model": "wiro/a",}\n]');
    const lines = await read('d.jsonl', '{"model":"wiro/a"}\n{"model":\n[]');

    expect(list.problems).toEqual(['3: a request is an object with "model", "parameters" and "inputs"']);
    expect(broken.problems).toEqual([expect.stringMatching(/^2: this is not JSON/)]);
    expect(lines.problems).toEqual([
      expect.stringMatching(/^2: this is not JSON/),
      '3: a request is an object with "model", "parameters" and "inputs"',
    ]);
  });
});

it.each([
  ['holds no request', 'b.json', '[]', 'holds no request.'],
  ['holds only names of columns', 'b.csv', 'model,prompt\n', 'holds no request.'],
  ['is no text', 'b.csv', new Uint8Array([0x6d, 0xe9, 0x0a]), 'is not text in UTF-8: save it as UTF-8'],
  [
    'holds too many',
    'b.jsonl',
    '{}\n'.repeat(10_001),
    'holds 10001 requests; at most 10,000 are allowed: split it.',
  ],
])('a file that %s is refused', async (_, name, content, message) => {
  await writeFile(folder.file(name), content);

  const refusal = await readBatch(folder.file(name)).catch((error) => error);

  expect(refusal.message).toContain(message);
  expect(refusal.exitCode).toBe(EXIT.usage);
});

it('a file that is not there is refused', async () => {
  await expect(readBatch(folder.file('none.csv'))).rejects.toThrow('There is no file');
  await expect(readBatch(folder.path)).rejects.toThrow('is a folder: name a file of requests.');
});

import { describe, expect, it } from 'vitest';
import { readTable } from '../../functions/request/read-table.ts';

describe('a table', () => {
  it('that is too long is read no further than it must be', async () => {
    const { rows } = await readTable(`prompt\n${'x\n'.repeat(5_000)}`, 1_000);

    expect(rows).toHaveLength(1_001);
  });

  it('is read to its end, however many empty rows lie in between', async () => {
    const empty = ';;\n'.repeat(50);
    const { rows, problems } = await readTable(`${empty}a;b\n1;2\n${empty}3;4\n${empty}5;6;7\n`, 3);

    expect(rows).toEqual([
      { line: 52, cells: { a: '1', b: '2' } },
      { line: 103, cells: { a: '3', b: '4' } },
    ]);
    expect(problems).toMatchObject([{ line: 154 }]);
  });

  it('with very many columns is one problem, however many of them are wrong', async () => {
    const { problems } = await readTable(`a,a${','.repeat(10_000)}`);

    expect(problems).toEqual([{ line: 1, message: expect.stringContaining('10002 columns') }]);
  });

  it('as Excel writes it has a divider in its first line, and line breaks and quotes in its cells', async () => {
    const text =
      '\uFEFFsep=;\r\nmodel;prompt\r\nwiro/a;"Ein ""Turm"",\r\nim Nebel"\r\n;\r\n\r\nwiro/b;Schnee\r\n';

    expect(await readTable(text)).toEqual({
      columns: ['model', 'prompt'],
      rows: [
        { line: 3, cells: { model: 'wiro/a', prompt: 'Ein "Turm",\nim Nebel' } },
        { line: 7, cells: { model: 'wiro/b', prompt: 'Schnee' } },
      ],
      problems: [],
    });
  });

  it.each([
    ['Model', 'model'],
    ['MaxCostUSD', 'maxCostUsd'],
    ['idempotencykey', 'idempotencyKey'],
    ['Label.Order', 'label.Order'],
  ])(
    'with a column "%s" is a problem: as a parameter, it would not do what is meant',
    async (name, meant) => {
      const { problems } = await readTable(`${name},prompt\nx,y\n`);

      expect(problems).toEqual([{ line: 1, message: expect.stringContaining(`must be written "${meant}"`) }]);
    },
  );

  it('takes a parameter of the model in any case', async () => {
    const { problems } = await readTable('model,parameter.Model,input.Image,label.Order\nwiro/a,x,y,z\n');

    expect(problems).toEqual([]);
  });

  it('has rows that end early, and empty cells', async () => {
    const { rows } = await readTable('a,b,c\n1\n1,,3\n,,\n');

    expect(rows).toEqual([
      { line: 2, cells: { a: '1' } },
      { line: 3, cells: { a: '1', c: '3' } },
    ]);
  });
});

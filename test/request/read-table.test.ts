import { describe, expect, it } from 'vitest';
import { readTable } from '../../functions/request/read-table.ts';

describe('a table', () => {
  it('that is too long is read no further than it must be', async () => {
    const { rows } = await readTable(`prompt\n${'x\n'.repeat(5_000)}`, 1_000);

    expect(rows).toHaveLength(1_001);
  });

  it('with very many columns is one problem, however many of them are wrong', async () => {
    const { problems } = await readTable(`a,a${','.repeat(10_000)}`);

    expect(problems).toEqual([{ line: 1, message: expect.stringContaining('10002 columns') }]);
  });

  it('has rows that end early, and empty cells', async () => {
    const { rows } = await readTable('a,b,c\n1\n1,,3\n,,\n');

    expect(rows).toEqual([
      { line: 2, cells: { a: '1' } },
      { line: 3, cells: { a: '1', c: '3' } },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { barsOf, drawBars, readTables } from '../../bench/plot.ts';

const REPORT = `# Copies

Text | with a bar.

## Plain

| | seconds | MB/s |
|---|---:|---:|
| curl \\| curl | 0.5 | 1,024 |
| **\`ours\`** | ? | 512 |

## Empty

| a | b |
| --- | ---: |
`;

describe('the plots of a report', () => {
  it('show one column of a table, with a bar for each row that has a number', () => {
    const [plain, empty] = readTables(REPORT);

    expect(plain && barsOf(plain, 'MB/s')).toEqual({
      title: 'Plain',
      unit: 'MB/s',
      bars: [
        { name: 'curl | curl', value: 1_024 },
        { name: 'ours', value: 512 },
      ],
    });
    expect(plain && barsOf(plain, 'seconds').bars).toEqual([{ name: 'curl | curl', value: 0.5 }]);
    expect(empty && barsOf(empty, 'b').bars).toEqual([]);
  });

  it('have bars as long as their share of the largest one', () => {
    const bars = [
      { name: 'a<b', value: 4 },
      { name: 'half', value: 2 },
    ];

    const svg = drawBars([{ title: 'Sizes', unit: 'MiB', bars }]);

    expect([...svg.matchAll(/width="([\d.]+)" height="18"/g)].map(([, width]) => width)).toEqual([
      '420.0',
      '210.0',
    ]);
    expect(svg).toContain('a&lt;b');
  });
});

/** One line of the table: a flow, or a step before or after the flows. */
export interface Row {
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** What was seen, why it failed, or why it was skipped. */
  readonly note: string;
}

const NOTE_WIDTH = 400;

/** Formats the results as a table, with a count of each kind. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [
    ['flow', 'result', 'seconds', ''],
    ...rows.map(({ name, result, seconds, note }) => [name, result, seconds.toFixed(1), shorten(note)]),
  ];
  const width = (column: number) => Math.max(...lines.map((line) => (line[column] ?? '').length));
  const [names, results, seconds] = [width(0), width(1), width(2)];
  const text = lines.map(([name = '', result = '', time = '', note = '']) =>
    `${name.padEnd(names)}  ${result.padEnd(results)}  ${time.padStart(seconds)}  ${note}`.trimEnd(),
  );
  text.splice(1, 0, `${'-'.repeat(names)}  ${'-'.repeat(results)}  ${'-'.repeat(seconds)}`);
  const count = (wanted: Row['result']) => rows.filter(({ result }) => result === wanted).length;
  return `${text.join('\n')}\n\n${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > NOTE_WIDTH ? `${line.slice(0, NOTE_WIDTH - 1)}…` : line;
}

import { meantColumn } from './from-cells.ts';

/** One row of a table of requests. */
export interface TableRow {
  /** The line where it begins, from 1. */
  readonly line: number;
  /** By column, without empty cells. */
  readonly cells: Readonly<Record<string, string>>;
}

export interface TableProblem {
  readonly line: number;
  readonly message: string;
}

export interface ReadTable {
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  readonly problems: readonly TableProblem[];
}

interface ParsedRecord {
  readonly record: readonly string[];
  /** `lines` counts to the record's end. */
  readonly info: { readonly lines: number };
}

/** Whether a file's name says that it holds a table. */
export const isTableName = (name: string): boolean => /\.(?:csv|tsv)$/i.test(name);

/** More than any model has parameters. Every row may have a cell for each. */
const MOST_COLUMNS = 500;
/** Problems of every row quote it. The longest is the name of a label. */
const LONGEST_NAME = 300;

/**
 * Reads a table of requests: CSV with commas, semicolons or tabs, whose first line names the columns. What is wrong in it
 * is part of the result, and does not keep the other rows from being read.
 * @param mostRows - Of a longer table, one row more is read. The parser needs hundreds of bytes for each. @default - all
 */
export async function readTable(text: string, mostRows?: number): Promise<ReadTable> {
  // Only a deployment that gets tables loads it.
  const { parse, CsvError } = await import('csv-parse/sync');
  const problems: TableProblem[] = [];
  const { table, delimiter } = divide(text);
  let records: readonly ParsedRecord[];
  try {
    records = parse(table, {
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      // A spreadsheet may write thousands of them. `to` counts only the others.
      skip_records_with_empty_values: true,
      ...(mostRows !== undefined && { to: mostRows + 2 }),
    }) as unknown as readonly ParsedRecord[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { columns: [], rows: [], problems: [explain(error)] };
  }
  const [head, ...body] = records;
  if (head === undefined) return { columns: [], rows: [], problems };
  const columns = head.record.map((name) => name.trim());
  problems.push(...columnProblems(columns));
  if (problems.length > 0) return { columns, rows: [], problems };
  const rows: TableRow[] = [];
  for (const { record, info } of body) {
    const line = info.lines - record.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
    const cells = record
      .slice(0, columns.length)
      .flatMap((cell, column) => (cell.trim() === '' ? [] : [[columns[column] ?? '', cell] as const]));
    const beyond = record.slice(columns.length).filter((cell) => cell.trim() !== '');
    if (beyond.length > 0)
      problems.push({
        line,
        message: `it has ${record.length} cells, and the table has ${columns.length} columns: put text that contains "${delimiter}" in quotes`,
      });
    else if (cells.length > 0) rows.push({ line, cells: Object.fromEntries(cells) });
  }
  return { columns, rows, problems };
}

/** Finds what divides the cells. A first line that says so to Excel, such as `sep=;`, becomes an empty line. */
function divide(text: string): { readonly table: string; readonly delimiter: string } {
  // Within quotes, the parser counts a line break of two characters as two lines.
  const table = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const [line, delimiter] = /^sep=([,;\t])\n/i.exec(table) ?? [];
  if (line === undefined || delimiter === undefined) return { table, delimiter: delimiterOf(table) };
  return { table: `\n${table.slice(line.length)}`, delimiter };
}

/** The one that the head has most of, outside quotes. */
function delimiterOf(text: string): string {
  const head = (text.split(/\r?\n/).find((line) => line.trim() !== '') ?? '').replace(/"[^"]*"/g, '');
  const counted = [',', ';', '\t'].map((mark) => ({ mark, times: head.split(mark).length }));
  return counted.reduce((best, one) => (one.times > best.times ? one : best)).mark;
}

/** Says in plain words what the parser found wrong. */
function explain(error: { readonly code: string; readonly message: string }): TableProblem {
  const line = Number(/\bline (\d+)/.exec(error.message)?.[1] ?? 1);
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return {
        line,
        message: 'a quoted text is never closed: add the missing ", and write a " within a quoted text twice',
      };
    case 'INVALID_OPENING_QUOTE':
      return {
        line,
        message:
          'a " stands within a text that is not quoted: put the whole text in quotes, and write each " in it twice',
      };
    case 'CSV_INVALID_CLOSING_QUOTE':
      return {
        line,
        message: 'text follows the end of a quoted text: write each " within a quoted text twice',
      };
    default:
      return { line, message: 'the table cannot be read here: check its quotes' };
  }
}

function columnProblems(columns: readonly string[]): readonly TableProblem[] {
  if (columns.length > MOST_COLUMNS)
    return [
      { line: 1, message: `the table has ${columns.length} columns; at most ${MOST_COLUMNS} are allowed` },
    ];
  const problems: TableProblem[] = [];
  for (const [index, name] of columns.entries()) {
    if (name === '' && index < columns.length - 1)
      problems.push({
        line: 1,
        message: `column ${index + 1} has no name: the first line names the columns`,
      });
    if (name.length > LONGEST_NAME)
      problems.push({
        line: 1,
        message: `the name of column ${index + 1} has ${name.length} characters; at most ${LONGEST_NAME} are allowed`,
      });
    else if (name !== '' && columns.indexOf(name) < index)
      problems.push({ line: 1, message: `two columns are named "${name}": rename one` });
    const meant = meantColumn(name);
    if (meant !== undefined)
      problems.push({
        line: 1,
        message: `the column "${name}" must be written "${meant}", or "parameter.${name}" for a parameter of the model`,
      });
  }
  return problems;
}

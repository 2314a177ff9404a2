/** A row as a request, with the sources of its inputs as written. */
export interface CellsRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly maxCostUsd?: number;
  readonly idempotencyKey?: string;
  readonly problems: readonly string[];
}

const COLUMNS: ReadonlySet<string> = new Set(['model', 'maxCostUsd', 'idempotencyKey']);
const LABEL = 'label.';
const INPUT = 'input.';
const PARAMETER = 'parameter.';
const PREFIXES = [LABEL, INPUT, PARAMETER];

/** Whether only the model tells what a column is: a parameter or a file. */
export const isPlainColumn = (column: string): boolean =>
  column !== '' && !COLUMNS.has(column) && !PREFIXES.some((prefix) => column.startsWith(prefix));

/**
 * Finds the known column that is meant by a name in another case, such as `Model`. As a parameter, `Model` would leave
 * the model to the preset, and `maxcostusd` would limit no cost.
 */
export function meantColumn(column: string): string | undefined {
  const small = column.toLowerCase();
  const whole = [...COLUMNS].find((name) => name.toLowerCase() === small);
  const prefix = PREFIXES.find((name) => small.startsWith(name));
  const meant = whole ?? (prefix && `${prefix}${column.slice(prefix.length)}`);
  return meant === column ? undefined : meant;
}

/**
 * Reads the cells of one row by their columns: `model`, `maxCostUsd`, `idempotencyKey`, `label.<name>`, `input.<name>`,
 * `parameter.<name>`, and any other name as the parameter or the file that the model calls so.
 * @param isFile - Whether the model takes files in this column.
 */
export function fromCells(
  cells: Readonly<Record<string, string>>,
  isFile: (column: string) => boolean,
): CellsRequest {
  const parameters = new Map<string, string>();
  const labels = new Map<string, string>();
  const inputs = new Map<string, readonly string[]>();
  const problems: string[] = [];
  const give = <Value>(given: Map<string, Value>, name: string, value: Value) => {
    // "input.photo" and "photo" may name the same file parameter. Neither is dropped unseen.
    if (given.has(name)) problems.push(`two columns give "${name}": keep one of them`);
    given.set(name, value);
  };
  for (const [column, cell] of Object.entries(cells)) {
    if (COLUMNS.has(column)) continue;
    if (column.startsWith(LABEL)) give(labels, column.slice(LABEL.length), cell);
    else if (column.startsWith(INPUT)) give(inputs, column.slice(INPUT.length), filesIn(cell));
    else if (column.startsWith(PARAMETER)) give(parameters, column.slice(PARAMETER.length), cell);
    else if (isFile(column)) give(inputs, column, filesIn(cell));
    else give(parameters, column, cell);
  }
  const { maxCostUsd, idempotencyKey } = cells;
  const usd = maxCostUsd === undefined ? undefined : Number(maxCostUsd);
  const isWrong = usd !== undefined && !(usd > 0);
  if (isWrong) problems.push(`maxCostUsd is "${maxCostUsd}": use an amount above 0, such as 0.50`);
  return {
    parameters: Object.fromEntries(parameters),
    labels: Object.fromEntries(labels),
    inputs: Object.fromEntries(inputs),
    ...(usd !== undefined && !isWrong && { maxCostUsd: usd }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    problems,
  };
}

/** Several files of one cell are on lines of their own, or divided by `|`. */
const filesIn = (cell: string): readonly string[] =>
  cell
    .split(/[\n|]/)
    .map((file) => file.trim())
    .filter((file) => file !== '');

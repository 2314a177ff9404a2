import { type GenerationError, RequestError } from '../generation/errors.ts';
import { isFile } from '../request/check-schema.ts';
import { fromCells, isPlainColumn } from '../request/from-cells.ts';
import { isModelName } from '../request/model-name.ts';
import type { Preset, Presets } from '../request/preset.ts';
import { readTable, type TableRow } from '../request/read-table.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { FindModel } from './known-models.ts';

/** One request of a file as written. */
export interface Row {
  /** Goes before every field that an error names, such as `[3].` or `line 4: `. */
  readonly path: string;
  /** In the form of the API. Absent if the row cannot be read. */
  readonly value?: unknown;
  readonly problems: readonly GenerationError[];
}

/** Wiro could not be asked which columns of a table are files. */
export class UnknownColumnsError extends Error {
  override readonly name = 'UnknownColumnsError';

  constructor(model: string) {
    super(
      `Wiro could not be asked about "${model}", so it is not known which columns name files. Put the file again later, or name such columns "input.<parameter>" and the others "parameter.<parameter>".`,
    );
  }
}

/**
 * Reads a table of requests. Its columns are those of the command line's `submit`.
 * @throws {UnknownColumnsError} If a model cannot be looked up.
 */
export async function readRows(
  { presets = {}, knownModel }: { readonly presets?: Presets; readonly knownModel: FindModel },
  name: string,
  text: string,
  mostRows: number,
): Promise<
  | { readonly kind: 'read'; readonly rows: readonly Row[] }
  | { readonly kind: 'unreadable'; readonly messages: readonly string[] }
> {
  const { columns, rows, problems } = await readTable(text, mostRows);
  if (rows.length + problems.length > mostRows)
    return unreadable(`The file holds more than ${mostRows} requests: split it.`);
  const preset = presetFor(presets, name);
  const isEmpty = columns.length === 0 && problems.length === 0;
  const isWhole = problems.every(({ line }) => line > 1) && columns.length > 0;
  if (isEmpty || (rows.length === 0 && isWhole && problems.length === 0))
    return unreadable(`The file is a table without requests. ${COLUMNS}`);
  if (isWhole && preset === undefined && !columns.includes('model'))
    return unreadable(`The file is a table without a column "model". ${COLUMNS}`);
  if (!isWhole && rows.length === 0)
    return unreadable(...problems.map(({ line, message }) => `line ${line}: ${message}.`));
  const filesOf = await findFileColumns(knownModel, columns, rows, preset);
  const read = rows.map((row) => ({ line: row.line, row: toRow(row, preset, filesOf) }));
  const wrong = problems.map(({ line, message }) => ({
    line,
    row: { path: `line ${line}: `, problems: [invalid(`line ${line}: ${message}.`)] },
  }));
  const all = [...read, ...wrong].sort((a, b) => a.line - b.line);
  return { kind: 'read', rows: all.map(({ row }) => row) };
}

/** Models to look up. */
const AT_ONCE = 10;

const COLUMNS =
  'The first line names the columns, such as model,prompt,inputImage: the model (owner/project), and the parameters and files of that model. Each further line is one request.';

const unreadable = (...messages: readonly string[]) => ({ kind: 'unreadable', messages }) as const;

const invalid = (message: string): GenerationError => new RequestError('invalid_request', message).error;

/** The preset of rows without a model: the one whose folder the file lies in, or else the only one. */
function presetFor(presets: Presets, name: string): Preset | undefined {
  const [folder = '', ...rest] = name.split('/');
  if (rest.length > 0 && Object.hasOwn(presets, folder)) return presets[folder];
  const [only, ...others] = Object.values(presets);
  return others.length === 0 ? only : undefined;
}

const modelOf = ({ cells }: TableRow, preset: Preset | undefined): string | undefined =>
  cells.model?.trim() ?? preset?.model;

type FilesOf = ReadonlyMap<string, ReadonlySet<string>>;

/** Finds the columns that name files, for each model of the table. */
async function findFileColumns(
  knownModel: FindModel,
  columns: readonly string[],
  rows: readonly TableRow[],
  preset: Preset | undefined,
): Promise<FilesOf> {
  const filesOf = new Map<string, ReadonlySet<string>>();
  if (!columns.some(isPlainColumn)) return filesOf;
  const models = new Set(rows.map((row) => modelOf(row, preset)).filter((one) => one !== undefined));
  await mapLimited([...models].filter(isModelName), AT_ONCE, async (model) => {
    const known = await knownModel(model);
    if (known === undefined) throw new UnknownColumnsError(model);
    const parameters = known.kind === 'model' ? known.schema.parameters : [];
    filesOf.set(model, new Set(parameters.filter(isFile).map(({ id }) => id)));
  });
  return filesOf;
}

function toRow(row: TableRow, preset: Preset | undefined, filesOf: FilesOf): Row {
  const model = modelOf(row, preset);
  const defaults = row.cells.model === undefined ? preset : undefined;
  const files = filesOf.get(model ?? '');
  const { problems, parameters, inputs, ...more } = fromCells(
    row.cells,
    (column) => files?.has(column) ?? false,
  );
  const path = `line ${row.line}: `;
  return {
    path,
    // Without a model, its absence is one of the problems that are found later.
    value: {
      ...more,
      ...(model !== undefined && { model }),
      parameters: { ...defaults?.parameters, ...parameters },
      inputs: { ...defaults?.inputs, ...inputs },
    },
    problems: problems.map((message) => invalid(`${path}${message}.`)),
  };
}

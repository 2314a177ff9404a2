import type { Model, Submission } from '../../client/index.ts';
import { fromCells as readCells } from '../../functions/request/from-cells.ts';
import { type GivenInput, type GivenRequest, readInput } from '../request-options.ts';
import { plain } from '../text.ts';
import type { RowContent } from './read-batch.ts';

/** What the command line says about every row. A row's own values come first. */
export interface RowDefaults {
  readonly model?: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly maxCostUsd?: number | undefined;
}

export type RowRequest =
  | { readonly kind: 'request'; readonly given: GivenRequest }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] };

/** The model that a row names. */
export function modelOf(content: RowContent, defaults: RowDefaults): string | undefined {
  const named = content.kind === 'cells' ? content.cells.model?.trim() : content.request.model;
  return typeof named === 'string' && named !== '' ? named : defaults.model;
}

/**
 * Makes a request of a row.
 * @param model - What Wiro says of the row's model, if known. It tells parameters from files.
 * @param folder - Where relative paths begin.
 */
export async function toRequest(
  content: RowContent,
  defaults: RowDefaults,
  model: Pick<Model, 'parameters'> | undefined,
  folder: string,
): Promise<RowRequest> {
  const problems: string[] = [];
  const name = modelOf(content, defaults);
  if (name === undefined)
    problems.push('the model is missing: add "model" (owner/project), or --model for the whole file');
  const read =
    content.kind === 'cells'
      ? fromCells(content.cells, model, problems)
      : fromObject(content.request, problems);
  const inputs: Record<string, GivenInput[]> = {};
  for (const [input, sources] of Object.entries(read.inputs)) {
    const found: GivenInput[] = [];
    for (const source of sources)
      try {
        found.push(await readInput(source, folder));
      } catch (error) {
        problems.push(`${plain(input)}: ${(error as Error).message}`);
      }
    inputs[input] = found;
  }
  if (problems.length > 0) return { kind: 'wrong', problems };
  const { parameters, labels, maxCostUsd = defaults.maxCostUsd, ...rest } = read.request;
  const all = {
    parameters: { ...defaults.parameters, ...(parameters as object | undefined) },
    labels: { ...defaults.labels, ...(labels as object | undefined) },
  };
  return {
    kind: 'request',
    given: {
      request: {
        ...rest,
        model: name as Submission['model'],
        ...(Object.keys(all.parameters).length > 0 && { parameters: all.parameters }),
        ...(Object.keys(all.labels).length > 0 && { labels: all.labels }),
        ...(maxCostUsd !== undefined && { maxCostUsd }),
      } as GivenRequest['request'],
      inputs,
    },
  };
}

interface ReadRow {
  readonly request: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, readonly string[]>>;
}

function fromCells(
  cells: Readonly<Record<string, string>>,
  model: Pick<Model, 'parameters'> | undefined,
  problems: string[],
): ReadRow {
  const files = new Set(
    (model?.parameters ?? []).filter(({ type }) => /file/i.test(type)).map(({ id }) => id),
  );
  const { inputs, problems: wrong, ...request } = readCells(cells, (column) => files.has(column));
  problems.push(...wrong.map(plain));
  return { request, inputs };
}

function fromObject(request: Readonly<Record<string, unknown>>, problems: string[]): ReadRow {
  const { inputs: given = {}, ...rest } = request;
  for (const name of ['parameters', 'labels'] as const)
    if (rest[name] !== undefined && !isObject(rest[name])) problems.push(`"${name}" must be an object`);
  if ('dryRun' in rest) problems.push('"dryRun" is not for a file: use submit --dry-run');
  if (!isObject(given)) {
    problems.push('"inputs" must be an object: {"<file parameter>": "photo.png"}');
    return { request: rest, inputs: {} };
  }
  const inputs: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(given)) {
    const sources = Array.isArray(value) ? value : [value];
    if (sources.length > 0 && sources.every((source) => typeof source === 'string')) inputs[name] = sources;
    else problems.push(`"inputs.${plain(name)}" must be a file or a list of files`);
  }
  return { request: rest, inputs };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

import path from 'node:path';
import type { Client, Model } from '../../client/index.ts';
import { WiroServerlessError } from '../../client/index.ts';
import { mapLimited } from '../../functions/runtime/map-limited.ts';
import type { GivenRequest, LocalFile } from '../request-options.ts';
import { sha256Of } from '../save-output.ts';
import { plain } from '../text.ts';
import type { RowProblem, WrittenRow } from './read-batch.ts';
import { modelOf, type RowDefaults, toRequest } from './to-request.ts';

/** A row whose form is right. */
export interface PreparedRow {
  readonly line: number;
  readonly given: GivenRequest;
}

const AT_ONCE = 8;

/** Makes requests of a file's rows: reads the models that they name, and looks for their files. */
export async function prepareRows(
  rows: readonly WrittenRow[],
  {
    client,
    defaults,
    folder,
    signal,
  }: {
    readonly client: Pick<Client, 'model'>;
    readonly defaults: RowDefaults;
    readonly folder: string;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly prepared: readonly PreparedRow[]; readonly problems: readonly RowProblem[] }> {
  const names = new Set(
    rows.flatMap(({ content }) => (content.kind === 'cells' ? (modelOf(content, defaults) ?? []) : [])),
  );
  const models = new Map<string, Model>();
  await mapLimited([...names], AT_ONCE, async (name) => {
    const model = await readModel(client, name, signal);
    if (model !== undefined) models.set(name, model);
  });
  const problems: RowProblem[] = [];
  const prepared: PreparedRow[] = [];
  for (const { line, content } of rows) {
    const row = await toRequest(content, defaults, models.get(modelOf(content, defaults) ?? ''), folder);
    if (row.kind === 'request') prepared.push({ line, given: row.given });
    else problems.push(...row.problems.map((message) => ({ line, message })));
  }
  return { prepared, problems };
}

/** What is wrong with a model is said by the check of the rows that name it. */
async function readModel(
  client: Pick<Client, 'model'>,
  name: string,
  signal: AbortSignal,
): Promise<Model | undefined> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(name)) return undefined;
  try {
    return await client.model(name, { signal });
  } catch (error) {
    if (error instanceof WiroServerlessError && error.status === 404) return undefined;
    throw error;
  }
}

/** The local files of rows, each once. */
export const filesOf = (rows: readonly PreparedRow[]): readonly LocalFile[] => {
  const files = rows.flatMap(({ given }) =>
    Object.values(given.inputs).flatMap((all) => all.flatMap((one) => ('file' in one ? [one.file] : []))),
  );
  return [...new Map(files.map((file) => [file.path, file])).values()];
};

/** Reads the content of files. @returns The SHA-256 of each, by path. */
export async function digestFiles(
  files: readonly LocalFile[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const digests = await mapLimited(files, AT_ONCE, async (file) => {
    signal.throwIfAborted();
    return [file.path, await sha256Of(file.path)] as const;
  });
  return new Map(digests);
}

/** Formats problems for a person, in the order of the file. */
export const describeProblems = (file: string, problems: readonly RowProblem[]): readonly string[] =>
  [...problems]
    .sort((one, other) => one.line - other.line)
    .map(({ line, message }) => `${plain(path.basename(file))}:${line}: ${plain(message)}`);

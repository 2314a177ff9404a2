import { createHash } from 'node:crypto';
import type { Generation, Output, Upload } from '../../client/index.ts';
import type { References } from './references.ts';

/** What the API told this server and not the page. */
export interface Kept {
  /** By `<generation>/<index>`. */
  readonly outputs: References<KeptOutput>;
  readonly tasks: References<NonNullable<Generation['progress']>>;
  readonly uploads: References<Pick<Upload, 'url' | 'headers'>>;
}

type KeptOutput = Pick<Output, 'url' | 'urlExpiresAt' | 'contentType' | 'name'>;

/** Keeps what a file is fetched by, and not what a model wrote: many are kept. */
export function keepOutput(
  name: string,
  { url, urlExpiresAt, contentType, name: file }: KeptOutput,
  { outputs }: Pick<Kept, 'outputs'>,
): void {
  outputs.set(name, { url, urlExpiresAt, contentType, name: file });
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Replaces the links and tokens in an answer of the API with references to this server. The page reaches nothing but
 * this server, and never has what others could use.
 * @param host - This server's, as the page names it.
 */
export function localize(answer: unknown, kept: Kept, host: string): unknown {
  if (!isFields(answer)) return answer;
  if (Array.isArray(answer.generations))
    return { ...answer, generations: answer.generations.map((row) => localizeRow(row, kept)) };
  if (Array.isArray(answer.outputs)) return localizeRecord(answer, kept, host);
  if (answer.method === 'PUT' && typeof answer.url === 'string')
    return { ...answer, url: `http://${host}/uploads/${kept.uploads.add(answer as unknown as Upload)}` };
  return answer;
}

function localizeRow(row: unknown, kept: Kept): unknown {
  if (!isFields(row) || !isFields(row.output)) return row;
  return { ...row, output: localizeOutput(String(row.id), row.updatedAt, row.output, 0, kept) };
}

function localizeRecord(record: Fields, kept: Kept, host: string): Fields {
  const outputs = (record.outputs as readonly unknown[]).map((output, index) =>
    isFields(output) ? localizeOutput(String(record.id), record.updatedAt, output, index, kept) : output,
  );
  const task = record.progress as Generation['progress'];
  if (task === undefined) return { ...record, outputs };
  return {
    ...record,
    outputs,
    progress: { socketUrl: `ws://${host}/progress`, token: tokenFor(task, kept) },
  };
}

/** A retry replaces the outputs, so the browser's copy is good for one state of the record. */
function localizeOutput(id: string, version: unknown, output: Fields, index: number, kept: Kept): Fields {
  keepOutput(`${id}/${index}`, output as unknown as Output, kept);
  return { ...output, url: `/files/${id}/${index}?v=${encodeURIComponent(String(version))}` };
}

/** The same for the same task: to the client, another token means another task. */
function tokenFor(task: NonNullable<Generation['progress']>, { tasks }: Kept): string {
  const reference = createHash('sha256').update(task.token).digest('hex');
  tasks.set(reference, task);
  return reference;
}

import type { Generation } from '../generation/generation.ts';
import { isFlatFolder } from '../generation/output-folder.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import { accountOf, listOutputs, toListedOutput } from './account.ts';

/** One generation's end in a results file. */
export interface Result {
  readonly index: number;
  readonly id: string;
  readonly [name: string]: unknown;
}

/** Limit for the outputs that all results of one file list together. The request bounds the rest of a result. */
const OUTPUTS_BYTES = 2 * 1024 * 1024;
/** Assumed for a file that an earlier release accepted: that release did not store the number of requests. */
const MOST_REQUESTS = 1_000;
/** Errors quote the request, so a message may be long. */
const LONGEST_MESSAGE = 500;

export function toResult(
  { generation, request, outputs }: WholeGeneration,
  { index, total = MOST_REQUESTS }: Pick<ResultsPlace, 'index' | 'total'>,
): Result {
  const { id, model, status, attempt, createdAt } = generation;
  const { error, ...account } = accountOf(generation);
  return {
    index,
    id,
    model,
    status,
    attempt,
    labels: request.labels,
    ...listOutputs(outputs, Math.floor(OUTPUTS_BYTES / total)),
    ...account,
    ...(error && { error: { ...error, message: shorten(error.message) } }),
    createdAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

/**
 * Adds or replaces one result in the file. Results are in the order of the requests.
 * @returns The same file if it has the result of a later attempt: a slow function may be overtaken by a retry.
 */
export function withResult(file: unknown, result: Result, total?: number): unknown {
  const earlier = typeof file === 'object' && file !== null && 'results' in file ? file.results : [];
  const listed = Array.isArray(earlier) ? (earlier as readonly Result[]) : [];
  const standing = listed.find(({ id }) => id === result.id);
  if (Number(standing?.attempt) > Number(result.attempt)) return file;
  const others = listed.filter((one) => one !== standing);
  const results = [...others, result].sort((a, b) => a.index - b.index || (a.id < b.id ? -1 : 1));
  // An earlier release did not store `total`.
  return total === undefined ? { results } : { total, pending: Math.max(0, total - results.length), results };
}

/** The content of `result.json` next to the outputs of a dropped file. A person reads it. */
export function toFolderResult({ generation, request, outputs }: WholeGeneration): unknown {
  const { id, model, status, createdAt } = generation;
  return {
    status,
    message: sentenceFor(generation, outputs.length),
    id,
    model,
    inputs: Object.values(request.inputs).flatMap((given) => given.map(({ text }) => text)),
    outputs: outputs.map(toListedOutput),
    ...accountOf(generation),
    createdAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

/** Says in a sentence how a dropped file ended, to go beside its outputs. */
export function sentenceFor(generation: Generation, outputs: number): string {
  switch (generation.status) {
    case 'succeeded':
      return `Done: ${outputs === 1 ? 'one output is' : `${outputs} outputs are`} ${placeOf(generation)} this file.`;
    case 'failed':
      return `This generation failed. ${generation.error.message}`;
    case 'cancelled':
      return 'This generation was cancelled.';
    default:
      return 'This generation has not finished yet.';
  }
}

function placeOf(generation: Generation): string {
  const { attempt } = generation;
  if (!isFlatFolder({ id: generation.id, outputFolder: generation.outputFolder }))
    return `in the folder "${attempt}" next to`;
  return attempt === 1 ? 'next to' : `in the folder "attempt-${attempt}" next to`;
}

const shorten = (message: string) =>
  message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE - 1).toWellFormed()}…`;

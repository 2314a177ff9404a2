import type { Generation } from '../generation/generation.ts';
import type { ResultsPlace } from '../request/accepted-request.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import { accountOf, listOutputs, toPlace } from './account.ts';

/** One generation's end in a results file. */
export interface Result {
  readonly index: number;
  readonly id: string;
  readonly [name: string]: unknown;
}

/** The outputs that all results of one file list together: what else a result says is bounded by its request. */
const OUTPUTS_BYTES = 2 * 1024 * 1024;
/** Of a file whose place is from an earlier release, it is not known. */
const MOST_REQUESTS = 1_000;
/** Errors quote what was requested. */
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
    ...(error && { error: { ...error, message: shortened(error.message) } }),
    createdAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

/** The file with this result in it, once; in the order of the requests. */
export function withResult(file: unknown, result: Result, total?: number): unknown {
  const earlier = typeof file === 'object' && file !== null && 'results' in file ? file.results : [];
  const others = (Array.isArray(earlier) ? (earlier as readonly Result[]) : []).filter(
    ({ id }) => id !== result.id,
  );
  const results = [...others, result].sort((a, b) => a.index - b.index || (a.id < b.id ? -1 : 1));
  // The place of one that an earlier release accepted knows nothing of the others.
  return total === undefined ? { results } : { total, pending: Math.max(0, total - results.length), results };
}

/** What lies beside the outputs of a dropped file: for people, who know no states and codes. */
export function toFolderResult({ generation, request, outputs }: WholeGeneration): unknown {
  const { id, model, status, createdAt } = generation;
  return {
    status,
    message: sentenceFor(generation, outputs.length),
    id,
    model,
    inputs: Object.values(request.inputs).flatMap((given) => given.map(({ text }) => text)),
    outputs: outputs.map(toPlace),
    ...accountOf(generation),
    createdAt,
    ...('endedAt' in generation && { endedAt: generation.endedAt }),
  };
}

function sentenceFor(generation: Generation, outputs: number): string {
  switch (generation.status) {
    case 'succeeded':
      return `Done: ${outputs === 1 ? 'one output lies' : `${outputs} outputs lie`} in the folder "${generation.attempt}" beside this file.`;
    case 'failed':
      return `This did not work. ${generation.error.message}`;
    case 'cancelled':
      return 'This was cancelled.';
    default:
      return 'This is not finished yet.';
  }
}

const shortened = (message: string) =>
  message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE - 1).toWellFormed()}…`;

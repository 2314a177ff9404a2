import type { GenerationError } from '../generation/errors.ts';
import type { Generation, Output } from '../generation/generation.ts';

/** An output as events and result files list it. */
export type ListedOutput = Pick<
  Output,
  'name' | 'bucket' | 'key' | 'contentType' | 'sizeBytes' | 'sha256' | 'differsFrom'
>;

export const toListedOutput = (output: Output): ListedOutput => {
  const { name, bucket, key, contentType, sizeBytes, sha256, differsFrom } = output;
  const listed = { name, bucket, key, contentType, sizeBytes, sha256 };
  return differsFrom === undefined ? listed : { ...listed, differsFrom };
};

/** The cost of an attempt, and the error of a failed one. */
export interface Account {
  readonly costUsd?: number;
  readonly error?: GenerationError;
}

export const accountOf = (generation: Generation): Account => ({
  ...('costUsd' in generation && generation.costUsd !== undefined && { costUsd: generation.costUsd }),
  ...(generation.status === 'failed' && { error: generation.error }),
});

/**
 * Lists as many outputs as fit, in their order. If some do not fit, `outputsTotal` counts all of them: the record lists
 * them.
 */
export function listOutputs(
  outputs: readonly Output[],
  roomBytes: number,
): { readonly outputs: readonly ListedOutput[]; readonly outputsTotal?: number } {
  const listed: ListedOutput[] = [];
  let leftBytes = roomBytes;
  for (const output of outputs.map(toListedOutput)) {
    leftBytes -= Buffer.byteLength(JSON.stringify(output)) + 1;
    if (leftBytes < 0) break;
    listed.push(output);
  }
  return { outputs: listed, ...(listed.length < outputs.length && { outputsTotal: outputs.length }) };
}

import type { GenerationError } from '../generation/errors.ts';
import type { AdvertisedOutput, Generation, Output } from '../generation/generation.ts';

/** Where an output lies, for whoever is told of it. */
export interface OutputPlace {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly differsFrom?: AdvertisedOutput;
}

export const toPlace = (output: Output): OutputPlace => {
  const { name, bucket, key, contentType, sizeBytes, sha256, differsFrom } = output;
  const place = { name, bucket, key, contentType, sizeBytes, sha256 };
  return differsFrom === undefined ? place : { ...place, differsFrom };
};

/** What an end cost, and why it failed. */
export interface Account {
  readonly costUsd?: number;
  readonly error?: GenerationError;
}

export const accountOf = (generation: Generation): Account => ({
  ...('costUsd' in generation && generation.costUsd !== undefined && { costUsd: generation.costUsd }),
  ...(generation.status === 'failed' && { error: generation.error }),
});

/**
 * As many of the outputs as there is room for, in their order. Where some are left out, how many there are is said:
 * the record lists them.
 */
export function listOutputs(
  outputs: readonly Output[],
  roomBytes: number,
): { readonly outputs: readonly OutputPlace[]; readonly outputsTotal?: number } {
  const listed: OutputPlace[] = [];
  let left = roomBytes;
  for (const place of outputs.map(toPlace)) {
    left -= Buffer.byteLength(JSON.stringify(place)) + 1;
    if (left < 0) break;
    listed.push(place);
  }
  return { outputs: listed, ...(listed.length < outputs.length && { outputsTotal: outputs.length }) };
}

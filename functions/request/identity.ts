import { createHash } from 'node:crypto';
import type { RequestOrigin } from '../generation/generation.ts';
import type { GenerationRequest } from './request.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Derives the id of a generation from an idempotency key. The same key of the same origin gives the same generation.
 * @returns 26 characters of `a` to `z` and `2` to `7` (128 bits).
 */
export function generationId(deployment: string, origin: RequestOrigin, key: string): string {
  // JSON separates the parts, so that ("a", "bc") and ("ab", "c") differ.
  return base32(
    createHash('sha256')
      .update(JSON.stringify([deployment, origin, key]))
      .digest()
      .subarray(0, 16),
  );
}

export const isGenerationId = (text: string): boolean => /^[a-z2-7]{26}$/.test(text);

/** Hashes what a request asks for. The order of names and the idempotency key do not matter. */
export function requestHash({ model, parameters, inputs, labels }: GenerationRequest): string {
  const sources = Object.fromEntries(
    Object.entries(inputs).map(([name, given]) => [name, given.map(({ source }) => source)]),
  );
  return createHash('sha256')
    .update(canonicalJson({ model, parameters, inputs: sources, labels }))
    .digest('hex');
}

/** Serializes a value as JSON with the names of every object in sorted order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(held >>> (bits - 5)) & 31];
    held &= 0xff;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

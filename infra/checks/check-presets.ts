import { type Presets, parsePresets } from '../../functions/request/preset.ts';

/** All environment variables of a function have 4 KB together. */
const MOST_BYTES = 3_000;

/**
 * Checks presets before they are deployed.
 * @throws {Error} When a preset would fail for every file, or they are too large together.
 */
export function checkPresets(value: unknown): Presets {
  // The bucket's name is not known yet: whether a preset's own inputs may be read shows when it runs.
  const presets = parsePresets(value, { inputBucket: 'any', furtherBuckets: [], anyBucket: true });
  const bytes = Buffer.byteLength(JSON.stringify(presets));
  if (bytes > MOST_BYTES)
    throw new Error(
      `they have ${bytes} bytes as JSON; at most ${MOST_BYTES} fit into a function's environment: shorten their parameters.`,
    );
  return presets;
}

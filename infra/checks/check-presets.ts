import { type Presets, parsePresets } from '../../functions/request/preset.ts';

/** Lambda limits a function's environment variables to 4 KB in total. */
const MOST_BYTES = 3_000;

/**
 * Checks presets before the deployment.
 * @throws {Error} If a preset would fail for every file, or if the presets are too large together.
 */
export function checkPresets(value: unknown): Presets {
  // The bucket's name is not known yet, so only a run shows whether the functions may read a preset's own inputs.
  const presets = parsePresets(value, { inputBucket: 'any', furtherBuckets: [], anyBucket: true });
  const bytes = Buffer.byteLength(JSON.stringify(presets));
  if (bytes > MOST_BYTES)
    throw new Error(
      `they take ${bytes} bytes as JSON, but a function's environment has room for ${MOST_BYTES}: shorten their parameters.`,
    );
  return presets;
}

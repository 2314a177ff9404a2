import type { GenerationError } from '../generation/errors.ts';
import { foldersOf } from '../request/preset.ts';
import { isReplaced, type Put } from './put.ts';
import type { ReceiveObjectsDeps } from './receive-deps.ts';
import { rejectFile } from './reject-file.ts';

/** Answers a file that lies under `uploads/` but in no folder, so that no preset is meant. */
export async function receiveMisplaced(deps: ReceiveObjectsDeps, put: Put): Promise<void> {
  if (await isReplaced(deps, put).catch(() => false)) return;
  await rejectFile(deps, put, [explainMisplaced(Object.keys(deps.presets))]);
}

function explainMisplaced(presets: readonly string[]): GenerationError {
  const remedy =
    presets.length === 0
      ? 'this deployment has no preset, so that nothing under "uploads/" is run. Name the file in a request instead.'
      : `put it into ${foldersOf(presets)}.`;
  return {
    code: 'invalid_request',
    message: `The file lies directly in "uploads/", so no preset says what to do with it: ${remedy}`,
    retryable: false,
  };
}

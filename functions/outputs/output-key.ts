import { safeFileName } from '../runtime/safe-file-name.ts';

export interface OutputKeyParts {
  /** The generation's own folder. Ends in `/`. */
  readonly folder: string;
  readonly attempt: number;
  /** The output's index in the task's list. Only the index tells two outputs apart. */
  readonly index: number;
  /** Wiro's name. Only its harmless characters are used. */
  readonly name: string;
  /** Whether the outputs of the first attempt lie directly in the folder. @default false */
  readonly isFlat?: boolean;
}

/** Returns the key of an output. The same output always has the same key, and no two outputs share one. */
export function outputKey({ folder, attempt, index, name, isFlat = false }: OutputKeyParts): string {
  return `${folder}${isFlat ? flatFolder(attempt) : `${attempt}/`}${index}-${safeFileName(name)}`;
}

const flatFolder = (attempt: number) => (attempt === 1 ? '' : `attempt-${attempt}/`);

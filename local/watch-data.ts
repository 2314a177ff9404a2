import { readFileSync, statfsSync } from 'node:fs';
import path from 'node:path';

/** What the databases may write before the next look, and some more. */
const LEAST_FREE_BYTES = 16 * 1024 * 1024;
const EVERY_MS = 100;

interface Disk {
  /** The process that holds the directory. */
  readonly holder: (directory: string) => string | undefined;
  readonly freeBytes: (directory: string) => number;
}

const DISK: Disk = {
  holder: (directory) => {
    try {
      return readFileSync(path.join(directory, 'pid'), 'utf8');
    } catch {
      return undefined;
    }
  },
  freeBytes: (directory) => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  },
};

/** @returns Why no environment can keep its data in this directory, or `undefined`. */
export function findLackOfRoom(
  directory: string,
  { freeBytes }: Pick<Disk, 'freeBytes'> = DISK,
): string | undefined {
  const free = freeBytes(directory);
  return free >= LEAST_FREE_BYTES
    ? undefined
    : `The disk of ${directory} is full (${Math.floor(free / 1024 / 1024)} MB are free, ${LEAST_FREE_BYTES / 1024 / 1024} MB are needed): make room, then run npm start again. What was accepted goes on then.`;
}

/** Whether this process still holds the directory: it was neither deleted nor replaced. */
export const isHeld = (directory: string, { holder }: Pick<Disk, 'holder'> = DISK): boolean =>
  holder(directory) === String(process.pid);

/** Watches the data of a running environment. */
export interface DataWatch {
  /** Looks now. @returns Whether the environment can go on. */
  isSound(): boolean;
  stop(): void;
}

/** Looks regularly whether the data are still there and have room. Reports the first trouble once. */
export function watchData(
  directory: string,
  onTrouble: (sentence: string) => void,
  disk: Disk = DISK,
): DataWatch {
  let isOver = false;
  const isSound = () => {
    if (isOver) return false;
    const trouble = isHeld(directory, disk) ? findLackOfRoom(directory, disk) : goneSentence(directory);
    if (trouble === undefined) return true;
    stop();
    onTrouble(trouble);
    return false;
  };
  const timer = setInterval(isSound, EVERY_MS);
  timer.unref();
  const stop = () => {
    isOver = true;
    clearInterval(timer);
  };
  return { isSound, stop };
}

const goneSentence = (directory: string) =>
  `The data in ${directory} were deleted while they were in use: stopped. Run npm start to begin anew.`;

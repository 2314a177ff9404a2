import { appendFileSync, renameSync, statSync } from 'node:fs';
import type { BusEvent } from './aws/events.ts';

/** The file and the one before it take twice as much at most. */
const MOST_BYTES = 5 * 1024 * 1024;

/**
 * Keeps events in a file, one a line as a rule's target receives it. A full file becomes `<name>.1.jsonl`, in place of
 * the one before it.
 * @param file - Ends in `.jsonl`.
 * @returns A function that adds an event. It writes at once, so that a kill loses nothing.
 */
export function openEventLog(file: string, mostBytes = MOST_BYTES): (event: BusEvent) => void {
  let sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return (event) => {
    const line = `${JSON.stringify(event)}\n`;
    const bytes = Buffer.byteLength(line);
    if (sizeBytes > 0 && sizeBytes + bytes > mostBytes) {
      renameSync(file, file.replace(/\.jsonl$/, '.1.jsonl'));
      sizeBytes = 0;
    }
    appendFileSync(file, line);
    sizeBytes += bytes;
  };
}

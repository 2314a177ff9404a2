import type { Timestamp } from '../generation/time.ts';
import { safeFileName } from '../runtime/safe-file-name.ts';

/** What names the folder of a dropped file's outputs. */
export interface DropFolderParts {
  /** Ends in `/`. */
  readonly outputPrefix: string;
  readonly preset: string;
  /** The file's name in the preset's folder. */
  readonly name: string;
  readonly id: string;
  /** When the object was last modified. */
  readonly at: Timestamp;
  /** An IANA time zone, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

/**
 * Returns the folder of a dropped file's outputs: `outputs/<preset>/<time>-<name>-<6 of the id>/`. Folders sort by time.
 * The time has no colons and every name is harmless on each file system; letters of every language stay. It is never
 * computed again for an accepted generation: a later release, or another time zone, could give another one.
 */
export function dropFolder({ outputPrefix, preset, name, id, at, timeZone }: DropFolderParts): string {
  const file = `${localTime(at, timeZone)}-${safeFileName(name.replaceAll('/', '-'))}-${id.slice(0, 6)}`;
  const folder = safeFileName(preset);
  return `${outputPrefix}${RESERVED.test(folder) ? `${folder}-` : folder}/${file}/`;
}

/** Windows has no files of these names. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

/** The time in a time zone, in the basic format of ISO 8601: `20260331T210005`. */
function localTime(at: Timestamp, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    calendar: 'gregory',
    numberingSystem: 'latn',
  }).formatToParts(new Date(at));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}${of('month')}${of('day')}T${of('hour')}${of('minute')}${of('second')}`;
}

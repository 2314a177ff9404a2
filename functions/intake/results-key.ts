import type { Timestamp } from '../generation/time.ts';
import { PREFIX } from '../objects/prefix.ts';

/** A key takes 1,024 bytes; ours adds to the name of the request file, and what is written beside adds an id. */
const MOST_NAME_BYTES = 900;

/**
 * Where the ends of one put of a request file are told: `results/<name>/<when it was put>-<this put>.json`. One file a
 * put, so that none grows with every put of the same name; they list in the order of the puts.
 * @param name - The key of the request file, after `requests/`.
 */
export function resultsKey(name: string, lastModified: Timestamp, put: string): string {
  // To the second, as S3 has it, and without the colons that some file systems refuse.
  const moment = lastModified.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
  return `${PREFIX.results}${cut(name)}/${moment}-${put}.json`;
}

/** The beginning of a name, as far as there is room; whole characters. */
function cut(name: string): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= MOST_NAME_BYTES) return name;
  return new TextDecoder().decode(bytes.subarray(0, MOST_NAME_BYTES), { stream: true });
}

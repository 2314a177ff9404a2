import type { Timestamp } from '../generation/time.ts';
import { PREFIX } from '../objects/prefix.ts';
import { cutToBytes } from '../runtime/cut-to-bytes.ts';

/** S3 allows keys of 1,024 bytes. The results key is longer than the name of the file, and other keys add an id. */
const MOST_NAME_BYTES = 900;

/**
 * Returns the key of the results file of one put of a request file: `results/<name>/<time of the put>-<put>.json`. Each
 * put has a file of its own, so that none grows with further puts. The files sort in the order of the puts.
 * @param name - The key of the request file, after `requests/`.
 */
export function resultsKey(name: string, lastModified: Timestamp, put: string): string {
  // S3's times are whole seconds. Some file systems refuse colons.
  const putAt = lastModified.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
  return `${PREFIX.results}${cutToBytes(name, MOST_NAME_BYTES)}/${putAt}-${put}.json`;
}

import { isRecord } from '../../runtime/json.ts';
import type { UploadedFile } from '../types.ts';
import { amountOf, fieldOf, filledTextOf, omitUndefined } from './values.ts';

/** Reads one row of `list` after an upload. Returns `undefined` without a URL: the file could not be used. */
export function parseUploadedFile(row: unknown, sentName: string): UploadedFile | undefined {
  if (!isRecord(row)) return undefined;
  const id = filledTextOf(fieldOf(row, 'id'));
  const url = filledTextOf(fieldOf(row, 'url'));
  if (id === undefined || url === undefined) return undefined;
  return {
    id,
    url,
    name: filledTextOf(fieldOf(row, 'name')) ?? sentName,
    ...omitUndefined({
      contentType: filledTextOf(fieldOf(row, 'contenttype')),
      sizeBytes: amountOf(fieldOf(row, 'size')),
    }),
  };
}

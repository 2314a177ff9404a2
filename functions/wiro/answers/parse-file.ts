import type { UploadedFile } from '../types.ts';
import { amountOf, fieldOf, filledTextOf, isFields, present } from './values.ts';

/** Reads one row of `list` after an upload. `undefined` without an address: the file could not be used. */
export function parseUploadedFile(row: unknown, sentName: string): UploadedFile | undefined {
  if (!isFields(row)) return undefined;
  const id = filledTextOf(fieldOf(row, 'id'));
  const url = filledTextOf(fieldOf(row, 'url'));
  if (id === undefined || url === undefined) return undefined;
  return {
    id,
    url,
    name: filledTextOf(fieldOf(row, 'name')) ?? sentName,
    ...present({
      contentType: filledTextOf(fieldOf(row, 'contenttype')),
      sizeBytes: amountOf(fieldOf(row, 'size')),
    }),
  };
}

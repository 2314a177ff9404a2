import { RequestError } from '../generation/errors.ts';

/** Of the cursor's form. */
const VERSION = '1';
const LONGEST_CURSOR = 500;

/** Makes a position opaque. */
export const toCursor = (position: string): string =>
  Buffer.from(`${VERSION}:${position}`).toString('base64url');

/**
 * Reads the position in a cursor of the query.
 * @param form - Of the positions that this list knows.
 */
export function readCursor(text: string | undefined, form: RegExp): string | undefined {
  if (text === undefined) return undefined;
  const decoded = text.length > LONGEST_CURSOR ? '' : Buffer.from(text, 'base64url').toString('utf8');
  const position = decoded.slice(VERSION.length + 1);
  // Decoding ignores what is not base64url.
  if (form.test(position) && toCursor(position) === text) return position;
  throw new RequestError(
    'invalid_parameter',
    'cursor must be that of an earlier answer, unchanged. Leave it out to start from the beginning.',
    'cursor',
  );
}

import { Readable } from 'node:stream';
import type { FileToSend } from '../wiro/types.ts';

/** A PNG of one pixel. Every Wiro project that takes uploads takes it. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Shows whether Wiro refuses one file or every upload of the project. */
export const KNOWN_GOOD_FILE: FileToSend = {
  name: 'one-pixel.png',
  contentType: 'image/png',
  sizeBytes: PNG.length,
  open: async () => Readable.from([PNG], { objectMode: false }),
};

import { Readable } from 'node:stream';
import type { FileToSend } from '../wiro/types.ts';

/** A PNG of one pixel, which every Wiro project takes that takes uploads at all. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** Tells a file that Wiro refuses from a project whose uploads it refuses. */
export const KNOWN_GOOD_FILE: FileToSend = {
  name: 'one-pixel.png',
  contentType: 'image/png',
  sizeBytes: PNG.length,
  open: async () => Readable.from([PNG], { objectMode: false }),
};

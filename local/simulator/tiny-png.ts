import { createHash } from 'node:crypto';
import { encodePng } from './png.ts';

const SIDE = 8;

/** Creates a valid image of 8 × 8 pixels with colours from the seed, cheaply enough for thousands. */
export function tinyPng(seed: string): Buffer {
  const colours = createHash('shake256', { outputLength: SIDE * SIDE * 3 })
    .update(seed)
    .digest();
  const rows = Array.from({ length: SIDE }, (_, row) =>
    colours.subarray(row * SIDE * 3, (row + 1) * SIDE * 3),
  );
  return encodePng({ width: SIDE, height: SIDE, bitDepth: 8, colourType: 2, rows });
}

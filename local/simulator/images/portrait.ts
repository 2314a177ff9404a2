import sharp from 'sharp';
import type { Size } from './backdrop.ts';

/** One person's place in the scene. */
export interface Place extends Size {
  readonly left: number;
  readonly top: number;
}

/** Places people from left to right in the given order, slightly overlapping. Five or more stand in two rows. */
export function placePeople(count: number, { width, height }: Size, random: () => number): Place[] {
  const rows = count > 4 ? 2 : 1;
  const columns = Math.ceil(count / rows);
  const cell = { width: width / columns, height: (height * 0.92) / rows };
  return Array.from({ length: count }, (_, index) => {
    const scale = (columns === 1 ? 0.62 : 1.1) - random() * 0.06;
    const place = { width: Math.round(cell.width * scale), height: Math.round(cell.height * 0.96) };
    const middle = cell.width * ((index % columns) + 0.5);
    const top = cell.height * Math.floor(index / columns) + random() * cell.height * 0.05;
    return {
      left: Math.round(Math.min(width - place.width, Math.max(0, middle - place.width / 2))),
      top: Math.round(top),
      width: Math.min(width, place.width),
      height: place.height,
    };
  });
}

/** Crops the most interesting part of a photograph to its place, with soft edges. */
export async function cutPortrait(
  photo: Buffer,
  { width, height }: Size,
  roundness: number,
): Promise<Buffer> {
  const soft = Math.min(width, height) * 0.035;
  const inset = soft * 1.6;
  const radius = (Math.min(width, height) / 2 - inset) * roundness;
  const mask = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><filter id="soft" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="${soft.toFixed(1)}"/></filter></defs>
    <rect x="${inset}" y="${inset}" width="${width - inset * 2}" height="${height - inset * 2}" rx="${radius}" fill="#fff" filter="url(#soft)"/>
  </svg>`;
  const cut = await sharp(photo)
    .autoOrient()
    .resize(width, height, { fit: 'cover', position: sharp.strategy.attention })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer();
  // In a single pipeline, sharp would apply the mask before it resizes.
  return sharp(cut, { raw: { width, height, channels: 4 } })
    .composite([{ input: Buffer.from(mask), blend: 'dest-in' }])
    .png({ compressionLevel: 1 })
    .toBuffer();
}

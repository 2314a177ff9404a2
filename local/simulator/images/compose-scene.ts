import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { createRandom } from '../faults.ts';
import { drawBackdrop, type Size } from './backdrop.ts';
import { drawCaption } from './caption.ts';
import { drawLabel } from './label.ts';
import { drawPalette, type Palette } from './palette.ts';
import { pictureSide } from './picture-side.ts';
import { cutPortrait, placePeople } from './portrait.ts';

export interface SceneRequest extends Size {
  /** Photographs, from left to right. */
  readonly people: readonly Buffer[];
  readonly prompt: string;
  /** `owner/project`, which the label names. */
  readonly model: string;
  /** The same seed and sample create the same image. */
  readonly seed: string;
  readonly sample: number;
}

/**
 * Shows the photographs in one landscape, with light and colours from the prompt, and says that it is simulated.
 * @returns A PNG.
 * @throws If sharp cannot read a photograph.
 */
export async function composeScene(request: SceneRequest): Promise<Buffer> {
  const size = { width: pictureSide(request.width), height: pictureSide(request.height) };
  const random = createRandom(
    createHash('sha256')
      .update(`${request.prompt}\n${request.seed}\n${request.sample}`)
      .digest()
      .readUInt32BE(),
  );
  const palette = drawPalette(random);
  const backdrop = drawBackdrop(size, palette, random);
  const places = placePeople(request.people.length, size, random);
  const roundness = random() < 0.5 ? 0.35 : 0.8;
  const portraits = await Promise.all(
    request.people.map(async (photo, index) => {
      const place = places[index];
      if (!place) throw new Error('No place for this photograph');
      return { input: await cutPortrait(photo, place, roundness), left: place.left, top: place.top };
    }),
  );
  return sharp(Buffer.from(backdrop))
    .composite([
      ...portraits,
      { input: Buffer.from(drawGrade(size, palette)), blend: 'soft-light' },
      { input: Buffer.from(drawCaption(request.prompt, size, drawLabel({ ...request, size, places }))) },
    ])
    .removeAlpha()
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** Draws one light over everything, so that the photographs look like one scene. */
function drawGrade({ width, height }: Size, { light, shade }: Palette): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="grade" x1="0" y1="0" x2="0.4" y2="1">
      <stop offset="0" stop-color="${light}" stop-opacity="0.65"/><stop offset="1" stop-color="${shade}" stop-opacity="0.65"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#grade)"/>
  </svg>`;
}

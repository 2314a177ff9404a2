import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../run-command.ts';
import type { World } from '../world.ts';

export const PHOTOS = ['astronaut.png', 'photographer.png'] as const;

/** The demo's generation, with small outputs. Flows use it unless they need another. */
export const STORY = {
  model: 'wiro/story-maker-multi-character-consistency',
  parameters: { prompt: 'Two friends watch a rocket start at dawn', width: 512, height: 512, samples: 1 },
  inputs: { inputImage: PHOTOS[0], inputImage2: PHOTOS[1] },
} as const;

/** Puts the photographs that `STORY` names into the input bucket. */
export async function putPhotos({ put }: Pick<World, 'put'>): Promise<void> {
  for (const name of PHOTOS)
    await put(name, await readFile(path.join(ROOT, 'examples/photos', name)), 'image/png');
}

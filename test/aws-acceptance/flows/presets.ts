import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PREFIX } from '../../../functions/objects/prefix.ts';
import type { Presets } from '../../../functions/request/preset.ts';
import type { Flow } from '../flow.ts';
import { ROOT } from '../run-command.ts';
import type { World } from '../world.ts';
import { PHOTOS, STORY } from './story.ts';

/** The stack's presets. */
export const PRESETS: Presets = {
  portraits: {
    model: STORY.model,
    parameters: STORY.parameters,
    fileParameter: 'inputImage',
    inputs: { inputImage2: PHOTOS[1] },
  },
};

interface FolderResult {
  readonly status: string;
  readonly message: string;
  readonly id: string;
  readonly outputs: readonly { readonly key: string; readonly sha256: string }[];
}

export const preset: Flow = {
  name: 'a photo dropped into a folder becomes an image',
  run: async (world) => {
    const name = randomUUID();
    const photo = await readFile(path.join(ROOT, 'examples/photos', PHOTOS[0]));
    await world.put(`${PREFIX.uploads}portraits/${name} Ä.PNG`, photo, 'image/png');

    const { key, status, message, outputs } = await resultOf(world, name);

    assert.equal(status, 'succeeded', message);
    assert.ok(outputs.length > 0, 'There are no outputs');
    for (const output of outputs) {
      assert.ok(output.key.startsWith(key.replace(/result\.json$/, '')), `${output.key} lies elsewhere`);
      const stored = await world.object(output.key, world.outputs.outputBucket);
      assert.equal(stored?.sha256, output.sha256, `${output.key} is not what result.json says`);
    }
    return message;
  },
};

export const rejectedDrop: Flow = {
  name: 'a dropped file that cannot be used is answered with the reason',
  run: async (world) => {
    const name = randomUUID();
    await world.put(`${PREFIX.uploads}portraits/${name}.png`, '', 'image/png');

    const { status, message } = await resultOf(world, name);

    assert.equal(status, 'rejected', message);
    assert.match(message, /0 bytes/);
    return message;
  },
};

/** The `result.json` of the file dropped under this name, and its key. */
function resultOf(world: World, name: string): Promise<FolderResult & { readonly key: string }> {
  const { outputBucket } = world.outputs;
  return world.until(`a result.json for ${name}`, async () => {
    const keys = await world.keys(outputBucket, `${PREFIX.outputs}portraits/`);
    const key = keys.find((found) => found.includes(`-${name}`) && found.endsWith('/result.json'));
    const stored = key === undefined ? undefined : await world.object(key, outputBucket);
    if (key === undefined || stored === undefined) return undefined;
    return { key, ...(JSON.parse(stored.bytes.toString('utf8')) as FolderResult) };
  });
}

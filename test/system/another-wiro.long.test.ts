import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type OtherWiroOptions, startOtherWiro } from '../support/other-wiro.ts';
import { picture } from '../support/pictures.ts';
import { sha256, startClient } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const PHOTOS = path.resolve(import.meta.dirname, '../../examples/photos');
const CASES: readonly (OtherWiroOptions & { readonly name: string })[] = [
  { name: 'key only, a wrong size, and no callback ever', keyOnly: true, wrongSize: true },
  { name: 'signed, with a form for a callback', callback: 'form' },
  { name: 'signed, called back before Run answers', callback: 'beforeRunAnswer' },
];

describe.each(CASES)('with another Wiro ($name)', async (options) => {
  const wiro = await startOtherWiro(options);
  afterAll(wiro.stop);
  // Where it calls back, that must do: nobody looks by himself.
  const system = await startClient({ wiro: wiro.access, schedule: options.callback === undefined });

  it('does the main job', async () => {
    const photo = await readFile(path.join(PHOTOS, 'photographer.png'));
    await system.put('a.png', photo, 'image/png');
    await system.put('b.png', picture(1), 'image/png');

    const { id } = await system.submit({
      model: 'wiro/story-maker-multi-character-consistency',
      parameters: { prompt: 'Two friends', steps: 20 },
      inputs: { inputImage: 'a.png', inputImage2: 'b.png' },
    });
    const record = await system.ended(id);
    const [task, ...others] = wiro.tasks();

    expect(others).toEqual([]);
    expect(task).toMatchObject({
      model: 'wiro/story-maker-multi-character-consistency',
      fields: { prompt: 'Two friends', steps: 20 },
    });
    expect(wiro.file(task?.fields.inputImageUrl)?.equals(photo)).toBe(true);
    expect(wiro.file(task?.fields.inputImage2Url)?.equals(picture(1))).toBe(true);
    expect(record).toMatchObject({
      status: 'succeeded',
      taskId: '9000000000',
      costUsd: 0.125,
      elapsedSeconds: 3,
      outputs: [0, 1].map((index) => ({
        key: `outputs/${id}/1/${index}-passwd`,
        contentType: 'image/png',
        sha256: sha256(picture(100 + index)),
      })),
    });
    expect(system.eventsOf(id).map(({ detail }) => detail.status)).toEqual(['running', 'succeeded']);
  });
});

describe('with a key that Wiro does not accept', async () => {
  const wiro = await startOtherWiro();
  afterAll(wiro.stop);
  const system = await startClient({
    wiro: { ...wiro.access, apiKey: 'not-the-key' },
    durations: { unauthorizedPatience: 300 },
  });

  it('fails after a while, in a sentence that names the remedy', async () => {
    const { id } = await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'x' } });

    expect(await system.ended(id)).toMatchObject({
      status: 'failed',
      error: {
        code: 'upstream_unauthorized',
        message: expect.stringMatching(/npm run setup/),
        retryable: true,
      },
    });
    expect(wiro.tasks()).toEqual([]);
  });
});

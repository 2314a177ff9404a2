import sharp from 'sharp';
import { expect, it } from 'vitest';
import { drawCard } from '../../../local/simulator/images/card.ts';

const CARD = {
  width: 512,
  height: 384,
  model: 'wiro/x',
  prompt: 'A lighthouse',
  inputs: [{ sizeBytes: 12, sha256: 'ab'.repeat(32) }],
  seed: 'x',
  sample: 0,
};

it('draws a picture of the requested size that an image library can read, the same for the same seed', async () => {
  const card = drawCard(CARD);

  expect(await sharp(card).metadata()).toMatchObject({ format: 'png', width: 512, height: 384 });
  expect(drawCard(CARD).equals(card)).toBe(true);
  expect(drawCard({ ...CARD, sample: 1 }).equals(card)).toBe(false);
  expect(drawCard({ ...CARD, prompt: 'A castle' }).equals(card)).toBe(false);
});

it('is white on a dark ground, and has its letters', async () => {
  const { data, info } = await sharp(drawCard(CARD)).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * info.channels).subarray(0, 3),
  ];

  // The S of SIMULATED begins with a gap, then four dots of two pixels.
  expect(at(6, 6).every((value) => value < 128)).toBe(true);
  expect(at(8, 6)).toEqual([255, 255, 255]);
});

it('accepts any prompt and any number of inputs', () => {
  for (const prompt of ['', '\u0000\ud800', '字'.repeat(5_000), '🙂'])
    expect(drawCard({ ...CARD, prompt, inputs: Array(99).fill(CARD.inputs[0]) }).length).toBeGreaterThan(100);
});

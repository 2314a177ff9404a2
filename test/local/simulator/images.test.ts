import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { ADVANCE, ROWS, runsOf } from '../../../local/simulator/images/bitmap-font.ts';
import { composeScene } from '../../../local/simulator/images/compose-scene.ts';
import { STORY_MAKER, startWorld } from './world.ts';

const plain = (background: string) =>
  sharp({ create: { width: 300, height: 400, channels: 3, background } })
    .png()
    .toBuffer();
const SCENE = {
  prompt: 'A & B <at> "sea"',
  model: 'wiro/x',
  width: 800,
  height: 600,
  seed: 'x',
  sample: 0,
};

/** The mean colours of a spot in the middle of the left person and of the right one. */
async function meanColours(png: Buffer) {
  const { width = 0, height = 0 } = await sharp(png).metadata();
  const at = async (share: number) => {
    const spot = {
      left: Math.round(width * share) - 40,
      top: Math.round(height * 0.4),
      width: 80,
      height: 80,
    };
    const { channels } = await sharp(await sharp(png).extract(spot).toBuffer()).stats();
    const [red = 0, , blue = 0] = channels.map(({ mean }) => mean);
    return { red, blue };
  };
  return { left: await at(0.25), right: await at(0.75) };
}

const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,:/()'!? ";

/** Reads a line of the label from the picture's pixels, until its first unknown character. */
async function textAt(png: Buffer, left: number, top: number, dot: number): Promise<string> {
  const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
  const isWhite = (x: number, y: number) =>
    (data[(top + y * dot) * info.width * info.channels + (left + x * dot) * info.channels] ?? 0) > 200;
  const dotsOf = (letter: string) =>
    new Set(runsOf(letter).flatMap(({ x, y, length }) => Array.from({ length }, (_, i) => `${x + i},${y}`)));
  let text = '';
  for (let at = 0; ; at += ADVANCE) {
    const seen = new Set<string>();
    for (let y = 0; y < ROWS; y += 1)
      for (let x = 0; x < 5; x += 1) if (isWhite(at + x, y)) seen.add(`${x},${y}`);
    const found = [...CHARACTERS].find((letter) => dotsOf(letter).symmetricDifference(seen).size === 0);
    if (found === undefined || text.endsWith('  ')) return text.trimEnd();
    text += found;
  }
}

describe('a composed scene', () => {
  it('shows the first person on the left and the second on the right', async () => {
    const [red, blue] = [await plain('#e02020'), await plain('#2020e0')];

    const one = await meanColours(await composeScene({ ...SCENE, people: [red, blue] }));
    const swapped = await meanColours(await composeScene({ ...SCENE, people: [blue, red] }));

    for (const { red, blue } of [one.left, swapped.right]) expect(red).toBeGreaterThan(blue + 80);
    for (const { red, blue } of [one.right, swapped.left]) expect(blue).toBeGreaterThan(red + 80);
  });

  it('says that it is simulated, and how many inputs arrived', async () => {
    const white = await plain('#ffffff');

    const [none = Buffer.alloc(0), two = Buffer.alloc(0)] = await Promise.all(
      [[], [white, white]].map((people) => composeScene({ ...SCENE, people })),
    );

    expect(await textAt(none, 9, 9, 3)).toBe('SIMULATED');
    expect(await textAt(none, 9, 36, 1)).toBe('INPUTS 0, SAMPLE 1, NOT MADE BY WIRO/X');
    expect(await textAt(two, 9, 36, 1)).toBe('INPUTS 2, SAMPLE 1, NOT MADE BY WIRO/X');
  });

  it('has the requested size, within limits', async () => {
    const sizes = [
      [800, 600],
      [100, 9_000],
    ];

    const made = await Promise.all(
      sizes.map(async ([width = 0, height = 0]) =>
        sharp(await composeScene({ ...SCENE, width, height, people: [] })).metadata(),
      ),
    );

    expect(made.map(({ format, width, height }) => [format, width, height])).toEqual([
      ['png', 800, 600],
      ['png', 256, 1536],
    ]);
  });

  it('accepts any number of grey, transparent and rotated photographs', async () => {
    const grey = await sharp(await plain('#808080'))
      .greyscale()
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const clear = await sharp({ create: { width: 50, height: 900, channels: 4, background: '#ff000080' } })
      .webp()
      .toBuffer();

    const scenes = await Promise.all(
      [[grey], [grey, clear, grey], Array(7).fill(clear)].map((people) => composeScene({ ...SCENE, people })),
    );

    for (const scene of scenes) expect((await sharp(scene).metadata()).width).toBe(800);
  });

  it('is the same for the same seed, and different for the next sample', async () => {
    const people = [await plain('#20a040')];

    const [one, again, next] = await Promise.all([
      composeScene({ ...SCENE, people }),
      composeScene({ ...SCENE, people }),
      composeScene({ ...SCENE, people, sample: 1 }),
    ]);

    expect(one?.equals(again ?? Buffer.alloc(0))).toBe(true);
    expect(one?.equals(next ?? Buffer.alloc(0))).toBe(false);
  });

  it('accepts any prompt', async () => {
    const prompts = [
      '',
      '\u0000\ud800 ]]> &amp; </text>',
      '字'.repeat(500),
      'word '.repeat(300),
      '🙂'.repeat(99),
    ];

    const scenes = await Promise.all(prompts.map((prompt) => composeScene({ ...SCENE, prompt, people: [] })));

    expect(scenes).toHaveLength(5);
  });
});

describe('a story', () => {
  it('contains both uploads, in the requested size', async () => {
    const { upload, run, ended } = await startWorld({ outputs: 'composed' });
    const one = await upload(new Uint8Array(await plain('#e02020')));
    const two = await upload(new Uint8Array(await plain('#2020e0')));

    const id = await run(
      { inputImageUrl: one.url, inputImage2Url: two.url, width: 640, height: 480, samples: 2 },
      STORY_MAKER,
    );
    const { outputUrls } = await ended(id);
    const pictures = await Promise.all(
      outputUrls.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())),
    );

    expect(outputUrls.map((url) => path.posix.basename(url))).toEqual([
      `simulated-${id}-1.png`,
      `simulated-${id}-2.png`,
    ]);
    for (const picture of pictures) {
      const { width, height } = await sharp(picture).metadata();
      const { left, right } = await meanColours(picture);
      expect([width, height]).toEqual([640, 480]);
      expect(left.red).toBeGreaterThan(left.blue);
      expect(right.blue).toBeGreaterThan(right.red);
    }
  });

  it('fails if an input is not a readable image', async () => {
    const { upload, run, ended, detail } = await startWorld({ outputs: 'composed' });
    const { url } = await upload(new TextEncoder().encode('ftypheic, but not really'), 'photo.heic');

    const id = await run({ inputImageUrl: url }, STORY_MAKER);
    await ended(id);

    expect(await detail(id)).toMatchObject({
      status: 'task_postprocess_end',
      pexit: '1',
      debugerror: expect.stringContaining('unsupported image format'),
      outputs: [],
    });
  });
});

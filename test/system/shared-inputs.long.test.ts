import { expect, it, vi } from 'vitest';
import { picture } from '../support/pictures.ts';
import { sha256, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const system = await startSystem({ maximumEnvironments: 3 });
const { simulator } = system;

it('twenty generations that share two images and start at once send each to Wiro once', async () => {
  const images = [picture(70), picture(71)];
  await system.put('story/one.png', images[0] ?? '', 'image/png');
  await system.put('story/two.png', images[1] ?? '', 'image/png');

  const story = await Promise.all(
    Array.from({ length: 20 }, (_, page) =>
      system.submit({
        model: 'wiro/group-portrait',
        parameters: { prompt: `Page ${page}` },
        inputs: { inputImages: ['story/one.png', 'story/two.png'] },
      }),
    ),
  );
  const records = await Promise.all(story.map(({ id }) => system.ended(id)));

  expect(records.map(({ status }) => status)).toEqual(records.map(() => 'succeeded'));
  const uploads = simulator.uploads();
  expect(uploads.map((upload) => upload.sha256).toSorted()).toEqual(images.map(sha256).toSorted());
  const urls = images.map((image) => uploads.find((upload) => upload.sha256 === sha256(image))?.url);
  expect(story.map(({ id }) => system.tasksOf(id).map(({ inputUrls }) => inputUrls))).toEqual(
    story.map(() => [urls]),
  );
});

import { createHash } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { picture } from '../support/pictures.ts';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 90_000 });

const system = await startSystem({ simulator: { uploadsRefused: true } });
const { environment, simulator } = system;

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it('while Wiro refuses uploads, small inputs travel in the Run and large ones by links, byte for byte', async () => {
  const [one, two] = [picture(80), picture(81)];
  // A PNG by its first bytes, and too large to travel in a Run.
  const large = Buffer.concat([picture(82), Buffer.alloc(20 * 1024 * 1024)]);
  // As browsers and other systems put it: no extension, and a type that says nothing.
  await system.put('0b9fae8f-55d1-4b0f-8d2b-9a6f1a0c7f8e', one, 'application/octet-stream');
  await system.put('two.jfif', two, 'image/jpeg');
  await system.put('large.png', large, 'image/png');

  const small = await system.submit({
    model: 'wiro/story-maker-multi-character-consistency',
    parameters: { prompt: 'A hill, "quoted"', samples: 2, seed: 7 },
    inputs: { inputImage: '0b9fae8f-55d1-4b0f-8d2b-9a6f1a0c7f8e', inputImage2: 'two.jfif' },
  });
  expect(await system.ended(small.id)).toMatchObject({
    status: 'succeeded',
    outputs: [{}, {}],
    inputHandover: { by: 'multipart', pinned: true },
  });
  const linked = await system.submit({
    model: 'wiro/image-to-image',
    parameters: { prompt: 'A hill' },
    inputs: { inputImage: 'large.png' },
  });
  expect(await system.ended(linked.id)).toMatchObject({
    status: 'succeeded',
    // The embedded S3 keeps no versions.
    inputHandover: { by: 'presigned', pinned: false },
  });

  const [task] = system.tasksOf(small.id);
  const sent = simulator.state().uploads.filter(({ url }) => task?.inputUrls.includes(url));
  expect(sent.map(({ sha256 }) => sha256)).toEqual([sha(one), sha(two)]);
  expect(sent.map(({ name }) => name.slice(-4))).toEqual(['.png', '.jpg']);
  expect(task?.parameters).toMatchObject({ prompt: 'A hill, "quoted"', samples: '2', seed: '7' });
  const [link = ''] = system.tasksOf(linked.id)[0]?.inputUrls ?? [];
  expect(new URL(link).pathname).toBe(`/${environment.endpoints.inputBucket}/large.png`);
  expect(sha(large)).toBe(sha((await system.object('large.png'))?.bytes ?? Buffer.alloc(0)));
  const said = environment
    .logs()
    .filter((line) => JSON.stringify(line).includes("refuses this project's uploads"));
  expect(said).toHaveLength(1);
});

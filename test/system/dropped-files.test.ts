import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { generationId } from '../../functions/request/identity.ts';
import { eventually } from '../support/eventually.ts';
import { startSystem } from '../support/system.ts';

const PHOTO = await readFile(new URL('../../examples/photos/astronaut.png', import.meta.url));
const system = await startSystem({
  presets: {
    portraits: {
      model: 'wiro/image-to-image',
      parameters: { prompt: 'A studio portrait' },
      fileParameter: 'inputImage',
    },
    missing: { model: 'wiro/no-such-model', fileParameter: 'inputImage' },
  },
});
const { outputBucket } = system.environment.endpoints;

interface FolderResult {
  readonly status: string;
  readonly message: string;
  readonly id: string;
  readonly outputs: readonly { readonly key: string; readonly sha256: string }[];
}

/** The results of a file's drops in the folder of a preset, once there are so many. */
async function results(
  preset: string,
  name: string,
  count: number,
): Promise<readonly (FolderResult & { folder: string })[]> {
  const keys = await eventually(`${count} results of ${preset}/${name}`, async () => {
    const found = await system.keys(outputBucket, `outputs/${preset}/`);
    const ends = found.filter(
      (key) =>
        /^\d{8}T\d{6}-/.test(key.split('/')[2] ?? '') &&
        key.includes(`-${name}`) &&
        key.endsWith('/result.json'),
    );
    return ends.length === count && ends;
  });
  return Promise.all(
    keys.map(async (key) => {
      const object = await system.object(key, outputBucket);
      return { ...JSON.parse(String(object?.bytes)), folder: key.replace(/result\.json$/, '') };
    }),
  );
}

describe('a file dropped into the folder of a preset', () => {
  it('becomes a generation, its outputs beside a result that says so in a sentence', async () => {
    await system.put('uploads/portraits/Eileen Collins.PNG', PHOTO, 'image/png');

    const [result] = await results('portraits', 'Eileen-Collins', 1);

    expect(result).toMatchObject({
      status: 'succeeded',
      message: 'Done: one output is next to this file.',
    });
    expect(result?.folder).toMatch(
      new RegExp(`^outputs/portraits/\\d{8}T\\d{6}-Eileen-Collins\\.png-${result?.id.slice(0, 6)}/$`),
    );
    const [output] = result?.outputs ?? [];
    expect(output?.key).toMatch(/^outputs\/portraits\/[^/]+\/0-[^/]+$/);
    expect(output?.key.startsWith(result?.folder ?? '?')).toBe(true);
    const page = await eventually('the page', () =>
      system.object(`${result?.folder}result.html`, outputBucket),
    );
    expect(String(page?.bytes)).toContain(`<img src="./${output?.key.split('/').at(-1)}"`);
    expect((await system.object(output?.key ?? '', outputBucket))?.sha256).toBe(output?.sha256);
    expect(system.tasksOf(result?.id ?? '')).toHaveLength(1);
  });

  it('makes another result when the same name is dropped again', async () => {
    await system.put('uploads/portraits/again.png', PHOTO);
    const [first] = await results('portraits', 'again', 1);

    await system.put('uploads/portraits/again.png', Buffer.concat([PHOTO, Buffer.from('touched up')]));
    const both = await results('portraits', 'again', 2);

    expect(new Set(both.map(({ id }) => id)).size).toBe(2);
    expect(both.map(({ id }) => id)).toContain(first?.id);
  });

  it('is run once, though it was made empty, then filled and then copied onto itself, as gateways do', async () => {
    const tasks = system.simulator.tasks().length;
    for (let n = 0; n < 4; n += 1) {
      const key = `uploads/portraits/mounted-${n}.png`;
      await system.put(key, '');
      await system.put(key, PHOTO);
      await system.put(key, PHOTO, 'image/png');
    }
    await eventually('4 results', async () => {
      const keys = await system.keys(outputBucket, 'outputs/portraits/');
      const found = keys.filter((key) => key.includes('-mounted-') && key.endsWith('/result.json'));
      const ends = await Promise.all(found.map((key) => system.object(key, outputBucket)));
      return ends.filter((end) => JSON.parse(String(end?.bytes)).status === 'succeeded').length === 4;
    });
    await system.environment.idle();

    expect(system.simulator.tasks().length - tasks).toBe(4);
  });

  it('is told that it was not used, and why, when it cannot be a generation', async () => {
    await system.put('uploads/portraits/empty.png', '');
    await system.put('uploads/missing/photo.png', PHOTO);
    await system.put('uploads/nobody/photo.png', PHOTO);

    const [[empty], [model], [folder]] = await Promise.all([
      results('portraits', 'empty', 1),
      results('missing', '', 1),
      results('nobody', '', 1),
    ]);

    expect(empty).toMatchObject({ status: 'rejected', message: expect.stringContaining('0 bytes') });
    expect(model).toMatchObject({ status: 'rejected', message: expect.stringContaining('does not exist') });
    expect(folder).toMatchObject({
      status: 'rejected',
      message: expect.stringContaining('put the file into "uploads/portraits/" or "uploads/missing/"'),
    });
    for (const one of [empty, model, folder]) {
      expect(one?.message).toContain('nothing was charged');
      expect(system.tasksOf(one?.id ?? '')).toEqual([]);
    }
  });

  it('is told what went wrong when the model fails', async () => {
    system.simulator.faults.add({
      operation: 'task',
      match: { model: 'wiro/image-to-image' },
      times: 1,
      fault: { kind: 'fails', message: 'No face found' },
    });
    await system.put('uploads/portraits/wall.jpg', Buffer.concat([PHOTO, Buffer.from('another')]));

    const [result] = await results('portraits', 'wall', 1);

    expect(result).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/^This generation failed\. The model failed: .*No face found/),
    });
  });

  it('is ignored when it is a marker that computers leave', async () => {
    const before = system.simulator.tasks().length;
    const ignored = [
      'uploads/',
      'uploads/portraits/',
      'uploads/portraits/.DS_Store',
      'uploads/portraits/sub/Thumbs.db',
      'uploads/loose.png',
    ];
    for (const key of ignored) await system.put(key, 'x');
    await system.environment.idle();

    const written = await system.keys(outputBucket, 'outputs/');
    expect(written.filter((key) => /DS_Store|Thumbs|loose/.test(key))).toEqual([]);
    expect(system.simulator.tasks().length).toBe(before);
  });
});

describe('a Generation Requested event', () => {
  const request = (id: string, detail: unknown) =>
    system.environment.invoke('submit', {
      version: '0',
      id,
      source: 'my.app',
      'detail-type': 'Generation Requested',
      detail,
    });

  it('starts one generation, however often it is delivered', async () => {
    const detail = {
      model: 'wiro/text-to-image',
      parameters: { prompt: 'A lighthouse' },
      labels: { order: '17' },
    };
    await Promise.all([request('event-1', detail), request('event-1', detail)]);

    const id = generationId('local', 'event', JSON.stringify(['event', 'event-1']));
    const record = await system.ended(id);

    expect(record).toMatchObject({ status: 'succeeded', labels: { order: '17' } });
    expect(system.tasksOf(id)).toHaveLength(1);
  });

  it('is answered by Generation Rejected when it cannot be accepted', async () => {
    await request('event-2', { model: 'wiro/text-to-image', parameters: {} });

    const rejected = system.environment
      .events()
      .filter((event) => event['detail-type'] === 'Generation Rejected');

    expect(rejected.map(({ detail }) => detail)).toContainEqual(
      expect.objectContaining({
        eventId: 'event-2.rejected',
        requestEventId: 'event-2',
        error: expect.objectContaining({ code: 'invalid_parameter', field: 'parameters.prompt' }),
      }),
    );
  });
});

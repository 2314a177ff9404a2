import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { accept } from '../../functions/generation/transitions/accept.ts';
import { log } from '../../functions/runtime/log.ts';
import { createUploadRefusals } from '../../functions/store/upload-refusals.ts';
import type { Handover } from '../../functions/submit/bring-inputs.ts';
import { createRoom } from '../../functions/submit/room.ts';
import type { SubmitDeps } from '../../functions/submit/submit-deps.ts';
import { submitGeneration } from '../../functions/submit/submit-generation.ts';
import type { RunOutcome, RunRequest } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { createMemoryTable } from '../store/memory-table.ts';
import { ID, workWorld } from '../support/work-world.ts';
import { SUBMIT_DEFAULTS } from './submit-defaults.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const BYTES = Buffer.alloc(2 * 1024 * 1024 + 1, 7);

/** An accepted generation with one picture. The deployment knows that Wiro refuses uploads. */
async function refusedWorld({ room = 20 * 1024 * 1024 } = {}) {
  const world = workWorld();
  const { durations, clock } = world.shared;
  const names = {
    id: ID,
    deployment: 'shop',
    origin: 'api',
    model: 'wiro/flux',
    requestHash: 'hash',
  } as const;
  await world.generations.accept(accept(names, { now: at(0), durations }), {
    model: 'wiro/flux',
    parameters: {},
    inputs: {
      image: [
        {
          kind: 'object',
          text: 'a.png',
          bucket: 'photos',
          key: 'a.png',
          etag: '"1"',
          sizeBytes: BYTES.length,
        },
      ],
    },
    labels: {},
  });
  const refusals = createUploadRefusals(createMemoryTable(undefined, world.items), {
    keepMs: durations.uploadsRefused,
    clock,
  });
  await refusals.note();
  const handover: Handover = {
    kind: 'auto',
    presign: async ({ key }) => ({ url: `https://s3/${key}?signed`, isPinned: false }),
    refusals,
    room: createRoom(room).open(),
  };
  const runs: RunRequest[] = [];
  const standing: unknown[] = [];
  const run = async (request: RunRequest): Promise<RunOutcome> => {
    runs.push(request);
    standing.push(await world.generations.get(ID), await world.notes.read(ID, 1));
    return { kind: 'ran', taskId: 'task-1' };
  };
  const notAsked = () => Promise.reject(new Error('not asked for'));
  const deps: SubmitDeps = {
    ...world.shared,
    ...SUBMIT_DEFAULTS,
    wiro: {
      run,
      model: () => Promise.reject(new Error('not asked for')),
      task: notAsked,
      tasks: notAsked,
      upload: notAsked,
    },
    inputs: { open: async () => Readable.from([BYTES], { objectMode: false }) },
    handover,
  };
  return { ...world, deps, runs, standing };
}

describe('a submission while uploads are refused', () => {
  it('sends files in the body of a Run, whose time limit and lease are one second longer per megabyte', async () => {
    const { deps, runs, standing } = await refusedWorld();

    expect(await submitGeneration(deps, ID)).toMatchObject({ kind: 'task' });

    const [image] = runs[0]?.files.image ?? [];
    if (image === undefined || !('file' in image)) throw new Error('It is no file');
    expect((await buffer(await image.file.open())).equals(BYTES)).toBe(true);
    // 30 seconds, and one for each of three started megabytes.
    expect(runs[0]?.timeoutMs).toBe(33_000);
    expect(standing).toMatchObject([
      { status: 'submitting', claim: { until: at(93) } },
      { handover: { by: 'multipart', isPinned: true } },
    ]);
  });

  it('sends links once a Run was lost: a proxy before Wiro may not pass such a body', async () => {
    const { deps, runs, notes } = await refusedWorld();
    await notes.change(ID, 1, () => ({ lostRuns: { since: at(0), latest: at(0), count: 1 } }));

    await submitGeneration(deps, ID);

    expect(runs[0]?.files).toEqual({ image: [{ url: 'https://s3/a.png?signed' }] });
  });

  it('sends links if there is no room for the files, with the usual time limit, and notes that first', async () => {
    const { deps, runs, standing } = await refusedWorld({ room: 1 });

    expect(await submitGeneration(deps, ID)).toMatchObject({ kind: 'task' });

    expect(runs).toMatchObject([
      { files: { image: [{ url: 'https://s3/a.png?signed' }] }, timeoutMs: 30_000 },
    ]);
    expect(standing).toMatchObject([
      { claim: { until: at(90) } },
      { handover: { by: 'presigned', isPinned: false } },
    ]);
  });
});

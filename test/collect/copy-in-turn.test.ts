import { beforeEach, expect, it, vi } from 'vitest';
import { waitingFor } from '../../functions/api/waiting-for.ts';
import { type CollectDeps, collectGeneration } from '../../functions/collect/collect-generation.ts';
import type { CopiedOutput, OutputToCopy } from '../../functions/outputs/types.ts';
import { log } from '../../functions/runtime/log.ts';
import { createCopyPlaces } from '../../functions/store/copy-places.ts';
import type { Task } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const [A, B] = ['a'.repeat(26), 'b'.repeat(26)];
const ended = (id: string): Task => ({
  id,
  status: 'task_postprocess_end',
  end: 'succeeded',
  outputs: [{ kind: 'file', name: '0.mp4', url: `https://cdn.wiro.ai/${id}/0.mp4`, sizeBytes: 3 }],
});
const copyOf = ({ bucket, key }: OutputToCopy): CopiedOutput => ({
  bucket,
  key,
  contentType: 'video/mp4',
  sizeBytes: 3,
  sha256: 'a'.repeat(64),
});

/** Two generations whose tasks have ended, in a deployment that copies the outputs of one at once. */
async function oneAtOnce() {
  const world = workWorld();
  await world.run(A, 'task-a');
  await world.run(B, 'task-b');
  const { shared } = world;
  /** Copies under way, by generation. */
  const copying = new Map<string, () => void>();
  const next: string[] = [];
  let holders = 0;
  const deps: CollectDeps = {
    ...shared,
    createHolder: () => `holder-${++holders}`,
    copyPlaces: createCopyPlaces(world.table, {
      maximum: 1,
      durations: shared.durations,
      clock: shared.clock,
    }),
    collectNext: (id) => void next.push(id),
    wiro: {
      task: async (ref) => ended('taskId' in ref ? ref.taskId : ''),
      cancel: () => Promise.reject(),
      kill: () => Promise.reject(),
    },
    collectAgain: async () => undefined,
    outputBucket: 'outputs',
    outputPrefix: 'outputs/',
    copier: {
      copy: async (output) => {
        const [, id = ''] = output.key.split('/');
        await new Promise<void>((resolve) => copying.set(id, resolve));
        return copyOf(output);
      },
    },
    putBytes: () => Promise.reject(new Error('not asked for')),
  };
  const state = async (id: string) => {
    const generation = await world.generations.get(id);
    if (generation === undefined) throw new Error('It is gone');
    return generation;
  };
  return {
    ...world,
    next,
    copying,
    state,
    collect: (id: string) => collectGeneration(deps, id),
    untilCopying: (id: string) => vi.waitUntil(() => copying.has(id)),
    waitingFor: async (id: string) =>
      waitingFor(await state(id), {
        notes: {},
        moment: { now: shared.clock().toISOString(), durations: shared.durations },
      }),
  };
}

it('copies in turn: the second waits, gives its slot at Wiro back all the same, and is named when the first is done', async () => {
  const world = await oneAtOnce();
  const first = world.collect(A);
  await world.untilCopying(A);

  await world.collect(B);

  const waiting = await world.state(B);
  expect(waiting).toMatchObject({ status: 'running', trouble: { code: 'output_in_line', count: 1 } });
  expect(waiting.dueAt).toBe(at(5));
  expect(await world.waitingFor(B)).toMatchObject({
    what: 'outputs',
    code: 'output_in_line',
    message: expect.stringMatching(
      /Task task-b has ended and is paid for\. .* copies those of 1 at once \(maximumCollects\)/,
    ),
    nextTryAt: waiting.dueAt,
  });
  expect(await world.gate.holders()).toEqual([]);

  expect(world.next).toEqual([]);
  world.copying.get(A)?.();
  await first;
  expect(world.next).toEqual([B]);
  const second = world.collect(B);
  await world.untilCopying(B);
  world.copying.get(B)?.();
  await second;
  expect([(await world.state(A)).status, (await world.state(B)).status]).toEqual(['succeeded', 'succeeded']);
});

it('gives the place back where the copy was in vain: its claim is lost', async () => {
  const world = await oneAtOnce();
  const first = world.collect(A);
  await world.untilCopying(A);
  await world.collect(B);
  world.pass(14 * 60 + 1);
  world.copying.get(A)?.();
  await first;

  expect(world.next).toEqual([B]);
});

it('does not stand still behind a function that was killed while it copied', async () => {
  const world = await oneAtOnce();
  void world.collect(A);
  await world.untilCopying(A);
  await world.collect(B);

  world.pass(15 * 60 + 6);
  const second = world.collect(B);
  await world.untilCopying(B);
  world.copying.get(B)?.();
  await second;

  expect((await world.state(B)).status).toBe('succeeded');
});

import { beforeEach, expect, it, vi } from 'vitest';
import { waitingFor } from '../../functions/api/waiting-for.ts';
import type { CollectDeps } from '../../functions/collect/collect-deps.ts';
import { collectGeneration } from '../../functions/collect/collect-generation.ts';
import { OutputUnavailableError } from '../../functions/outputs/errors.ts';
import type { CopiedOutput, OutputToCopy } from '../../functions/outputs/types.ts';
import { log } from '../../functions/runtime/log.ts';
import { createCopyPlaces } from '../../functions/store/copy-places.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import type { Task } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';
import { workWorld } from '../support/work-world.ts';

beforeEach(() => {
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(log, level).mockReturnValue(undefined);
});

const HOUR = 3_600;
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

/** Two generations whose tasks have ended, in a deployment that copies the outputs of one at a time. */
async function oneAtOnce() {
  const world = workWorld();
  await world.run(A, 'task-a');
  await world.run(B, 'task-b');
  const { shared } = world;
  /** Copies under way, by generation. */
  const copying = new Map<string, () => void>();
  const next: string[] = [];
  const asked: string[] = [];
  let holders = 0;
  const copyPlaces = createCopyPlaces(world.table, {
    maximum: 1,
    durations: shared.durations,
    clock: shared.clock,
  });
  const deps: CollectDeps = {
    ...shared,
    createHolder: () => `holder-${++holders}`,
    copyPlaces,
    collectNext: (id) => void next.push(id),
    wiro: {
      task: async (ref) => {
        const id = 'taskId' in ref ? ref.taskId : '';
        asked.push(id);
        return ended(id);
      },
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
    asked,
    copying,
    state,
    collect: (id: string, given: Partial<CollectDeps> = {}) => collectGeneration({ ...deps, ...given }, id),
    /** Gives the place to a foreign generation for a number of seconds. */
    occupy: (forSeconds: number) =>
      copyPlaces.take({ id: 'another', createdAt: at(0), revision: 1 }, 'other', forSeconds * 1_000),
    untilCopying: (id: string) => vi.waitUntil(() => copying.has(id)),
    waitingFor: async (id: string) =>
      waitingFor(await state(id), {
        notes: {},
        moment: { now: shared.clock().toISOString(), durations: shared.durations },
      }),
  };
}

it('copies in turn: the second frees its slot at Wiro, waits, and is named when the first is done', async () => {
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

it('gives the place back if the copy was in vain because its claim is lost', async () => {
  const world = await oneAtOnce();
  const first = world.collect(A);
  await world.untilCopying(A);
  await world.collect(B);
  world.pass(14 * 60 + 1);
  world.copying.get(A)?.();
  await first;

  expect(world.next).toEqual([B]);
});

it('the line does not stop behind a function that was killed while it copied', async () => {
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

it('a generation in line asks Wiro nothing and writes nothing, and logs once that it is in line', async () => {
  const world = await oneAtOnce();
  await world.occupy(900);
  await world.collect(B);
  const { revision } = await world.state(B);
  world.pass(60);

  await world.collect(B);

  expect(world.asked).toEqual(['task-b']);
  expect((await world.state(B)).revision).toBe(revision);
  expect(log.warn).toHaveBeenCalledTimes(1);
  expect(log.warn).toHaveBeenCalledWith(
    'Collecting is tried again later',
    expect.objectContaining({ generationId: B, code: 'output_in_line' }),
  );
});

it('the wait in line ends: a retry collects what is paid for', async () => {
  const world = await oneAtOnce();
  await world.occupy(7 * HOUR);
  await world.collect(B);
  world.pass(6 * HOUR - 1);
  await world.collect(B);
  expect((await world.state(B)).status).toBe('running');
  world.pass(1);

  await world.collect(B);

  expect(await world.state(B)).toMatchObject({
    status: 'failed',
    taskEnd: 'succeeded',
    error: {
      code: 'output_unavailable',
      retryable: true,
      message: expect.stringMatching(
        /\(outputPatience\), and their turn did not come: it copies those of 1 at once \(maximumCollects\)\. Task task-b is paid for, .* without paying again/,
      ),
    },
  });
  expect(world.announced).toEqual([B]);
  expect(world.items.get('copies copies')?.line).toBeUndefined();
});

it('a generation is copied after any wait if its turn comes', async () => {
  const world = await oneAtOnce();
  await world.occupy(6 * HOUR);
  await world.collect(B);
  world.pass(6 * HOUR + 6);

  const second = world.collect(B);
  await world.untilCopying(B);
  world.copying.get(B)?.();
  await second;

  expect((await world.state(B)).status).toBe('succeeded');
});

it('a generation that kills its function ends, even with waits in line in between', async () => {
  const world = await oneAtOnce();
  let rounds = 0;
  for (; rounds < 20 && (await world.state(A)).status !== 'failed'; rounds += 1) {
    world.copying.clear();
    void world.collect(A);
    await vi.waitUntil(async () => world.copying.has(A) || (await world.state(A)).status === 'failed');
    // It is killed, and a foreign generation has the place at the next look.
    world.pass(15 * 60 + 6);
    await world.occupy(600);
    await world.collect(A);
    world.pass(10 * 60 + 6);
  }

  expect(await world.state(A)).toMatchObject({ status: 'failed', error: { code: 'function_killed' } });
  expect(rounds).toBe(5);
});

it('the wait in line does not count as time in which an output was unavailable', async () => {
  const world = await oneAtOnce();
  const unavailable = {
    copier: { copy: () => Promise.reject(new OutputUnavailableError('the CDN answered 404')) },
  };
  await world.collect(B, unavailable);
  await world.occupy(5 * HOUR + 1_800);
  await world.collect(B);
  world.pass(5 * HOUR + 1_806);
  await world.collect(B, unavailable);
  world.pass(HOUR);

  await world.collect(B, unavailable);
  expect(await world.state(B)).toMatchObject({ status: 'running', trouble: { code: 'output_unavailable' } });
  world.pass(5 * HOUR);
  await world.collect(B, unavailable);

  expect(await world.state(B)).toMatchObject({ status: 'failed', error: { code: 'output_unavailable' } });
});

it('a copy that ran out of time after others goes on in a function of its own', async () => {
  const world = await oneAtOnce();
  const soonOver = { remainingMs: () => 100 };

  await world.collect(A, { ...soonOver, isChained: true });
  expect((await world.state(A)).trouble?.firstAt).toEqual({ output_in_line: at(0) });
  expect(world.next).toEqual([A]);

  await world.collect(A, soonOver);
  expect((await world.state(A)).trouble?.firstAt).toHaveProperty('output_unavailable');
});

it('a generation that has ended otherwise passes on the place that is reserved for it', async () => {
  const world = await oneAtOnce();
  const C = 'c'.repeat(26);
  await world.run(C, 'task-c');
  const first = world.collect(A);
  await world.untilCopying(A);
  await world.collect(B);
  world.pass(1);
  await world.collect(C);
  // The deployment had no limit for a while.
  const unbounded = world.collect(B, { copyPlaces: undefined });
  await world.untilCopying(B);
  world.copying.get(B)?.();
  await unbounded;

  world.copying.get(A)?.();
  await first;
  expect(world.next).toEqual([B]);
  await world.collect(B);

  expect(world.next).toEqual([B, C]);
});

it('a generation passes on the place if Wiro does not answer at its turn', async () => {
  const world = await oneAtOnce();
  const C = 'c'.repeat(26);
  await world.run(C, 'task-c');
  const first = world.collect(A);
  await world.untilCopying(A);
  await world.collect(B);
  world.pass(1);
  await world.collect(C);
  world.copying.get(A)?.();
  await first;

  await world.collect(B, {
    wiro: {
      task: () => Promise.reject(new WiroError('timeout', 'no answer')),
      cancel: () => Promise.reject(),
      kill: () => Promise.reject(),
    },
  });

  expect(world.next).toEqual([B, C]);
});

it('a holder takes no place once another holder has the claim, which copies', async () => {
  const world = await oneAtOnce();
  const answers: (() => void)[] = [];
  const frozen = world.collect(A, {
    wiro: {
      task: () => new Promise((resolve) => answers.push(() => resolve(ended('task-a')))),
      cancel: () => Promise.reject(),
      kill: () => Promise.reject(),
    },
  });
  await vi.waitUntil(() => answers.length > 0);
  world.pass(66);
  const second = world.collect(A);
  await world.untilCopying(A);
  const places = () => world.items.get('copies copies')?.places;
  const before = places();

  answers[0]?.();
  await frozen;

  expect(places()).toEqual(before);
  world.copying.get(A)?.();
  await second;
  expect(places()).toEqual({});
});

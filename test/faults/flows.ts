import { randomUUID } from 'node:crypto';
import { picture } from '../support/pictures.ts';
import { patiently } from './patiently.ts';
import type { RequestBody, World, WorldSettings } from './world.ts';

/** What must be true of one generation in the end, whatever was killed on the way. */
export interface Expected {
  readonly id: string;
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  /** Of a failure. */
  readonly code?: string;
  /** Made at Wiro for it. */
  readonly tasks: number;
  readonly chargedUsd: number;
  readonly outputs: number;
  /** Where a request file's result is told. */
  /** All results files of its request file lie under it. */
  readonly resultsPrefix?: string;
}

/** One story that the system goes through, killed at another call each time. */
export interface Flow {
  readonly name: string;
  /** Before anything is recorded or killed. */
  readonly prepare?: (world: World) => Promise<readonly Expected[]>;
  /** The client's part. It settles when the client has nothing left to do. */
  readonly play: (world: World) => Promise<readonly Expected[]>;
  /** After what was played is over, before everything is looked at. */
  readonly release?: (world: World) => Promise<void>;
  /** Files that Wiro is given; those that a killed process was uploading once more. */
  readonly uploads: number;
  /** A variant of another flow: `npm run test:system` has it, `npm test` has not. */
  readonly isVariant?: true;
  /** How it is deployed, in a world of its own. @default - as by default */
  readonly settings?: WorldSettings;
  /** A Run that was lost goes again with links instead of files. */
  readonly goesByLinksOnceLost?: true;
  /** It plays the same generation several times at once: what is essential of one is so of the first. */
  readonly isAlike?: true;
}

const TEXT_TO_IMAGE = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };
const IMAGE_TO_IMAGE = {
  model: 'wiro/image-to-image',
  parameters: { prompt: 'A boat' },
  inputs: { inputImage: 'photos/one.png' },
};
const GROUP_PORTRAIT = {
  model: 'wiro/group-portrait',
  parameters: { prompt: 'On a mountain' },
  inputs: { inputImages: ['photos/one.png', 'photos/two.png'] },
};
// Two parts of 8 MiB at most.
const VIDEO = {
  model: 'wiro/simulated-video',
  parameters: { prompt: 'The sea', bytes: 9 * 1024 * 1024 },
};

const success = (id: string, chargedUsd: number): Expected => ({
  id,
  status: 'succeeded',
  tasks: 1,
  chargedUsd,
  outputs: 1,
});

const isWithTask = ({ status }: { readonly status: string }) =>
  status === 'running' || status === 'collecting';

export const FLOWS: readonly Flow[] = [
  {
    name: 'success',
    uploads: 1,
    play: async (world) => [success(await request(world, IMAGE_TO_IMAGE), 0.03)],
  },
  {
    // The file travels in the body of the Run.
    name: 'uploads refused',
    isVariant: true,
    uploads: 1,
    goesByLinksOnceLost: true,
    prepare: async (world) => {
      world.simulator.set({ uploadsRefused: true });
      return [];
    },
    play: async (world) => [success(await request(world, IMAGE_TO_IMAGE), 0.03)],
  },
  {
    name: 'presigned',
    isVariant: true,
    uploads: 0,
    settings: { inputHandover: 'presigned' },
    play: async (world) => [success(await request(world, IMAGE_TO_IMAGE), 0.03)],
  },
  {
    name: 'model failure',
    uploads: 0,
    play: async (world) => {
      world.simulator.faults.add({ operation: 'task', fault: { kind: 'fails' } });
      const id = await request(world, TEXT_TO_IMAGE);
      return [{ id, status: 'failed', code: 'model_failed', tasks: 1, chargedUsd: 0, outputs: 0 }];
    },
  },
  {
    name: '96 then success',
    isVariant: true,
    uploads: 0,
    play: async (world) => {
      world.simulator.faults.add({
        operation: 'Run',
        times: 1,
        fault: {
          kind: 'error',
          code: 96,
          message: 'you can run up to 1 tasks at the same time',
          work: 'never',
        },
      });
      return [success(await request(world, TEXT_TO_IMAGE), 0.04)];
    },
  },
  {
    name: 'cancel while queued here',
    uploads: 0,
    prepare: async (world) => {
      world.simulator.set({ concurrencyLimit: 1 });
      world.simulator.faults.add({ operation: 'task', times: 1, fault: { kind: 'stuck' } });
      const id = await request(world, TEXT_TO_IMAGE);
      await world.reached(id, 'running', isWithTask);
      return [{ id, status: 'cancelled', tasks: 1, chargedUsd: 0, outputs: 0 }];
    },
    play: async (world) => {
      const id = await request(world, TEXT_TO_IMAGE);
      await world.reached(id, 'in line', ({ status, ...rest }) => status === 'queued' && isWaiting(rest));
      await world.cancel(id);
      return [{ id, status: 'cancelled', tasks: 0, chargedUsd: 0, outputs: 0 }];
    },
    // The slot that it waited for comes free: nobody is to take it.
    release: async ({ simulator, cancel }) => {
      const [task] = simulator.tasks().filter(({ isOver }) => !isOver);
      const [id] = /[a-z2-7]{26}/.exec(task?.callbackUrl ?? '') ?? [];
      if (id !== undefined) await cancel(id);
    },
  },
  {
    name: 'cancel while queued at Wiro',
    isVariant: true,
    uploads: 0,
    play: (world) => cancelStuck(world, 'task_queue'),
  },
  { name: 'cancel while running', uploads: 0, play: (world) => cancelStuck(world, 'task_start') },
  {
    name: 'request file',
    isVariant: true,
    uploads: 1,
    play: async (world) => {
      const { idempotencyKey, id } = world.plan('s3');
      const body = JSON.stringify({ ...IMAGE_TO_IMAGE, idempotencyKey });
      await world.put(`requests/${id}.json`, body, 'application/json');
      return [{ ...success(id, 0.03), resultsPrefix: `results/${id}.json/` }];
    },
  },
  {
    name: 'dropped file',
    isVariant: true,
    uploads: 1,
    play: async (world) => {
      const name = `${randomUUID()}.png`;
      // As gateways do: a stub, and then the file.
      await world.put(`uploads/portraits/${name}`, '', 'image/png');
      await world.put(`uploads/portraits/${name}`, picture(5), 'image/png');
      return [success(await idOfFolder(world, name), 0.03)];
    },
  },
  {
    name: 'requested event',
    isVariant: true,
    uploads: 0,
    play: async (world) => {
      const { idempotencyKey, id } = world.plan('event');
      const detail = { ...TEXT_TO_IMAGE, idempotencyKey };
      const event = { 'detail-type': 'Generation Requested', source: 'shop', id: randomUUID(), detail };
      world.environment.invokeLater('submit', event);
      await world.reached(id, 'accepted', () => true);
      return [success(id, 0.04)];
    },
  },
  {
    name: 'three with shared inputs',
    isAlike: true,
    uploads: 2,
    play: async (world) => {
      const ids = await Promise.all([1, 2, 3].map(() => request(world, GROUP_PORTRAIT)));
      return ids.map((id) => success(id, 0.05));
    },
  },
  {
    name: 'multipart output',
    isVariant: true,
    uploads: 0,
    play: async (world) => [success(await request(world, VIDEO), 0.25)],
  },
  { name: 'callback lost', uploads: 0, play: loseCallback },
  {
    name: 'callback lost, eight shards',
    isVariant: true,
    uploads: 0,
    settings: { dueShards: 8 },
    play: loseCallback,
  },
];

async function request(world: World, body: RequestBody): Promise<string> {
  const { idempotencyKey, id } = world.plan();
  await world.request({ ...body, idempotencyKey });
  return id;
}

/** The id of what a dropped file became: its outputs go to a folder by its name. */
const idOfFolder = (world: World, name: string): Promise<string> =>
  patiently(`a generation for ${name}`, world.patienceMs, async () => {
    const found = (await world.items()).find(
      ({ outputFolder, sk }) => sk === 'state' && String(outputFolder).includes(`-${name}-`),
    );
    return found !== undefined && String(found.id);
  });

async function loseCallback(world: World): Promise<readonly Expected[]> {
  world.simulator.faults.add({ operation: 'callback', fault: { kind: 'lost' } });
  return [success(await request(world, TEXT_TO_IMAGE), 0.04)];
}

async function cancelStuck(world: World, status: 'task_queue' | 'task_start'): Promise<readonly Expected[]> {
  world.simulator.faults.add({ operation: 'task', fault: { kind: 'stuck', status } });
  const id = await request(world, TEXT_TO_IMAGE);
  await world.reached(id, 'running', isWithTask);
  await world.cancel(id);
  return [{ id, status: 'cancelled', tasks: 1, chargedUsd: 0, outputs: 0 }];
}

const isWaiting = (state: object) => 'waiting' in state && state.waiting === true;

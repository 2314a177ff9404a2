import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { BatchWriteItemCommand, DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { createClient, type GenerationRequest, WiroServerlessError } from '../../client/index.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import { generationId } from '../../functions/request/identity.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import { type Environment, type EnvironmentOptions, startEnvironment } from '../../local/environment.ts';
import type { Simulator } from '../../local/simulator/simulator.ts';
import type { FunctionBundles } from '../support/bundles.ts';
import { picture } from '../support/pictures.ts';
import { findCaller } from './find-caller.ts';
import type { Pace } from './pace.ts';
import { patiently } from './patiently.ts';
import { createProxies } from './proxies.ts';
import { createRecorder, type Recorder } from './recorder.ts';

/** Inputs that are always there, by key. */
const PHOTOS = { 'photos/one.png': 1, 'photos/two.png': 2 };
const TASK_DURATION_MS = 4_000;
/** DynamoDB takes no more at once. */
const BATCH = 25;

export type RequestBody = Pick<GenerationRequest, 'model' | 'parameters' | 'inputs'>;

export type Item = Readonly<Record<string, unknown>>;

/** The whole system with a recording proxy before everything that its functions talk to. */
export interface World {
  readonly environment: Environment;
  readonly simulator: Simulator;
  readonly recorder: Recorder;
  /** How long anything may take here before it counts as stuck. */
  readonly patienceMs: number;
  /** How the last kill went: the one process that called, or all there were. */
  lastKill(): string | undefined;
  /** An idempotency key of one's own, and the id of the generation that it will stand for. */
  plan(origin?: 'api' | 's3' | 'event'): { readonly idempotencyKey: string; readonly id: string };
  /** Asks with the key until it is accepted: whoever got no 202 asks again. */
  request(body: RequestBody & { readonly idempotencyKey: string }): Promise<void>;
  /** Asks until it is accepted. */
  cancel(id: string): Promise<void>;
  /** The state of a generation once it is so. */
  reached(id: string, what: string, isReached: (state: Generation) => boolean): Promise<Generation>;
  /** Waits until the host has nothing under way, repetitions included. */
  idle(): Promise<void>;
  items(): Promise<readonly Item[]>;
  /** The states of generations, those that exist. */
  states(ids: readonly string[]): Promise<readonly Item[]>;
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  object(bucket: string, key: string): Promise<Buffer | undefined>;
  /** Keys that begin so. */
  keys(bucket: string, prefix: string): Promise<readonly string[]>;
  openUploads(): Promise<readonly string[]>;
  /** Kills every idle process: the next call of each function is a cold start. */
  cool(): Promise<void>;
  /** An empty table, no outputs, a Wiro where nothing goes wrong. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export type WorldSettings = Pick<EnvironmentOptions, 'inputHandover' | 'dueShards'>;

export async function startWorld({
  bundles,
  pace: { options, patienceMs },
  settings,
}: {
  readonly bundles: FunctionBundles;
  readonly pace: Pace;
  /** @default - as by default */
  readonly settings?: WorldSettings | undefined;
}): Promise<World> {
  const recorder = createRecorder();
  let environment: Environment | undefined;
  let lastKill: string | undefined;

  /** Kills the process that made the call; where it cannot be told which, every process of every function. */
  function kill(caller: Socket): void {
    const pids = environment?.pids() ?? [];
    const found = findCaller(caller, pids);
    for (const pid of found === undefined ? pids : [found]) killNow(pid);
    lastKill = found === undefined ? `all ${pids.length} processes` : `process ${found}`;
  }

  const proxies = createProxies({ onCall: recorder.meet, kill });
  const started = await startEnvironment({
    ...options,
    maximumEnvironments: 4,
    ...settings,
    simulator: { outputs: 'tiny', concurrencyLimit: null, taskDurationMs: TASK_DURATION_MS },
    bundles,
    presets: { portraits: { model: 'wiro/image-to-image', fileParameter: 'inputImage' } },
    endpointOverrides: proxies.before,
  });
  environment = started;
  const { endpoints, simulator, schedule } = started;
  if (simulator === undefined) throw new Error('The environment has no simulator');
  const aws = { region: endpoints.region, credentials: LOCAL_CREDENTIALS };
  const dynamodb = new DynamoDBClient({ ...aws, endpoint: endpoints.dynamodb });
  const s3 = new S3Client({ ...aws, endpoint: endpoints.s3, forcePathStyle: true });
  const TableName = endpoints.table;

  async function items(): Promise<Item[]> {
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }));
    return Items.map((item) => unmarshall(item));
  }

  async function state(id: string): Promise<Generation | undefined> {
    const Key = marshall({ pk: `generation#${id}`, sk: 'state' });
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    return Item && (unmarshall(Item) as Generation);
  }

  // The client's own repeats would have pauses that the recorded order of calls does not know.
  const wiro = createClient({ url: endpoints.api, maximumTries: 1, timeoutMs: patienceMs });

  /** What goes wrong at our end is asked again; any other answer is final. */
  async function askUntilAccepted(what: string, ask: () => Promise<unknown>): Promise<void> {
    await patiently(what, patienceMs, () =>
      ask().then(
        () => true,
        (error: unknown) => {
          if (error instanceof WiroServerlessError && (error.status ?? 0) >= 500) return false;
          throw error;
        },
      ),
    );
  }

  async function idle(): Promise<void> {
    const late = new Error(`Something is still under way after ${patienceMs} ms`);
    await within(patienceMs, late, started.idle());
  }

  async function put(Key: string, Body: string | Uint8Array, ContentType: string): Promise<void> {
    await s3.send(new PutObjectCommand({ Bucket: endpoints.inputBucket, Key, Body, ContentType }));
  }
  for (const [key, shade] of Object.entries(PHOTOS)) await put(key, picture(shade), 'image/png');

  return {
    environment: started,
    simulator,
    recorder,
    patienceMs,
    lastKill: () => lastKill,
    plan: (origin = 'api') => {
      const idempotencyKey = randomUUID();
      const key = origin === 'api' ? idempotencyKey : JSON.stringify(['key', idempotencyKey]);
      return { idempotencyKey, id: generationId('local', origin, key) };
    },
    request: (body) => askUntilAccepted('the acceptance of a request', () => wiro.submit(body)),
    cancel: (id) => askUntilAccepted(`the acceptance of the cancellation of ${id}`, () => wiro.cancel(id)),
    reached: async (id, what, isReached) => {
      let latest: Generation | undefined;
      return patiently(`generation ${id} ${what}`, patienceMs, async () => {
        latest = await state(id);
        return latest !== undefined && isReached(latest) && latest;
      });
    },
    idle,
    items,
    states: async (ids) =>
      (await Promise.all(ids.map(state))).filter((one) => one !== undefined) as unknown as readonly Item[],
    put,
    object: async (Bucket, Key) => {
      const found = await s3.send(new GetObjectCommand({ Bucket, Key })).catch((error: Error) => {
        if (error.name === 'NoSuchKey') return undefined;
        throw error;
      });
      return found?.Body && Buffer.from(await found.Body.transformToByteArray());
    },
    keys: async (Bucket, Prefix) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.map(({ Key = '' }) => Key);
    },
    openUploads: async () => {
      const command = new ListMultipartUploadsCommand({ Bucket: endpoints.outputBucket });
      const { Uploads = [] } = await s3.send(command);
      return Uploads.map(({ Key = '' }) => Key);
    },
    cool: async () => {
      await idle();
      const warm = started.pids();
      for (const pid of warm) killNow(pid);
      await patiently('the end of the killed processes', patienceMs, () =>
        started.pids().every((pid) => !warm.includes(pid)),
      );
    },
    clear: async () => {
      schedule.off();
      await idle();
      simulator.faults.clear();
      simulator.set({
        concurrencyLimit: null,
        taskDurationMs: TASK_DURATION_MS,
        balanceUsd: 100,
        uploadsRefused: false,
      });
      const requests = (await items()).map(({ pk, sk }) => ({
        DeleteRequest: { Key: marshall({ pk, sk }) },
      }));
      for (let first = 0; first < requests.length; first += BATCH)
        await dynamodb.send(
          new BatchWriteItemCommand({ RequestItems: { [TableName]: requests.slice(first, first + BATCH) } }),
        );
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: endpoints.outputBucket }));
      for (const { Key } of Contents)
        await s3.send(new DeleteObjectCommand({ Bucket: endpoints.outputBucket, Key }));
      lastKill = undefined;
      schedule.on();
    },
    stop: async () => {
      await started.stop();
      for (const client of [dynamodb, s3]) client.destroy();
      await proxies.stop();
    },
  };
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** @throws `late` when `work` takes longer. */
async function within<T>(milliseconds: number, late: Error, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand, paginateScan, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { createClient, WiroServerlessError } from '../../client/index.ts';
import type { Output } from '../../functions/generation/generation.ts';
import type { Durations } from '../../functions/settings.ts';
import { sign } from '../../functions/wiro/sign.ts';
import { LOCAL_CREDENTIALS } from '../../local/aws/credentials.ts';
import type { FunctionLog } from '../../local/aws/lambda-types.ts';
import type { LocalService } from '../../local/aws/local-service.ts';
import { type Environment, startEnvironment } from '../../local/environment.ts';
import type { CallbackDelivery } from '../../local/simulator/callbacks.ts';
import type { Simulator } from '../../local/simulator/simulator.ts';
import type { TaskState } from '../../local/simulator/state.ts';
import { bundlesOnce } from '../support/bundles.ts';
import { picture } from '../support/pictures.ts';
import { startChaosDynamoDb } from './chaos-dynamodb.ts';
import {
  type ChaosTimes,
  type DynamoDbFate,
  PICTURES,
  type PlannedGeneration,
  planDynamoDbFaults,
  planGeneration,
  planWiroFaults,
} from './chaos-plan.ts';
import { findCaller } from './find-caller.ts';

export interface ChaosOptions {
  readonly generations: number;
  readonly seed: number;
  /** The run fails when nothing more has ended for so long. @default 2 minutes */
  readonly stallMs?: number;
  readonly onProgress?: (ended: number) => void;
}

/** What became of one generation. */
export interface EndedGeneration {
  /** As it lies in the table at the end. */
  readonly item: Readonly<Record<string, unknown>> | undefined;
  readonly outputs: readonly Output[];
  /** Statuses of the events that told of an end. */
  readonly told: readonly string[];
  readonly tasks: readonly TaskState[];
}

export interface ChaosGeneration extends EndedGeneration {
  readonly planned: PlannedGeneration;
}

/** A file that was dropped, and whatever it became. */
export interface DroppedFile {
  readonly name: string;
  readonly generations: readonly EndedGeneration[];
}

export interface ChaosResult {
  readonly options: ChaosOptions;
  readonly generations: readonly ChaosGeneration[];
  readonly drops: readonly DroppedFile[];
  readonly gate: Readonly<Record<string, unknown>>;
  /** Ids that are due for anything still. */
  readonly due: readonly string[];
  /** Tasks that belong to no generation of the plan. */
  readonly strangers: readonly TaskState[];
  readonly chargedUsd: number;
  readonly callbacks: readonly CallbackDelivery[];
  readonly wiroRequests: Readonly<Record<string, number>>;
  readonly logs: readonly FunctionLog[];
  readonly fates: Readonly<Record<DynamoDbFate, number>>;
  readonly killed: number;
  /** Requests of the client that got no 202 and were repeated. */
  readonly askedAgain: number;
  readonly elapsedMs: number;
  /** Reads what lies behind an output of the record, and what the CDN has for a task. */
  readonly readOutput: (output: Output) => Promise<Uint8Array | undefined>;
  readonly readCdn: (url: string) => Promise<Uint8Array>;
  readonly stop: () => Promise<void>;
}

const DIVISOR = 100;
/**
 * Everything that waits is divided by 100, where the functions' own time, which is not divided, leaves room for it. A
 * lease outlasts a busy machine's pauses; two searches that find nothing are further apart than `Task/List` lags.
 */
const DURATIONS: Partial<Durations> = {
  lease: 8_000,
  leaseRenewal: 2_500,
  markLease: 5_000,
  runLimit: 2_500,
  runSendLimit: 1_500,
  searchMargin: 5_000,
  searchGap: 1_000,
  searchLimit: 600_000,
  look: 2_000,
  lookMax: 6_000,
  retry: 1_000,
  retryMax: 4_000,
  patience: 600_000,
  outputPatience: 600_000,
  deadline: 21_600_000,
  stopRepeat: 1_000,
  stopLimit: 60_000,
  taskErrorLimit: 6_000,
  gatePause: 500,
  limitProbe: 10_000,
  limitForget: 120_000,
  uploadPoll: 100,
  modelCache: 600_000,
  modelLimit: 2_000,
  secrets: 60_000,
  connect: 2_000,
  headers: 3_000,
  body: 3_000,
  stall: 1_500,
  uploadReuse: 86_400_000,
  sameDrop: 300_000,
};
const TIMES: ChaosTimes = {
  callbackLate: 150_000,
  runLate: 30_000,
  listLag: 100_000,
  task: 100_000,
  shortTask: 30_000,
  longTask: 700_000,
};
const CONCURRENCY_LIMIT = 25;
/** Fewer than end at once: most wait for their turn to be copied. */
const MAXIMUM_COLLECTS = 3;
const CLIENTS = 10;
/**
 * Accepted and not ended: far more than run at once. Without a bound a slow machine accepts faster than it submits, and
 * a reconcile that comes every few seconds instead of every minute asks for the same again and again.
 */
const MOST_UNDER_WAY = 75;
const ANSWER_LIMIT_MS = 15_000;
const PAUSE_MS = 100;
const STALL_MS = 120_000;

/** Runs generations through everything that the plan of the seed has in store, to their end. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { generations: count, seed, stallMs = STALL_MS, onProgress = () => {} } = options;
  const planned = Array.from({ length: count }, (_, index) => planGeneration(seed, index));
  const dropped = planned.flatMap(({ key, drop }) => (drop === undefined ? [] : [nameOfDrop(key)]));
  const fateOf = planDynamoDbFaults(seed, planned);
  const fates: Record<DynamoDbFate, number> = {
    answered: 0,
    throttled: 0,
    failed: 0,
    writtenUnanswered: 0,
    killedBefore: 0,
    killedAfter: 0,
  };
  const logs: FunctionLog[] = [];
  let killed = 0;
  let environment: Environment | undefined;
  let proxy: Promise<LocalService> | undefined;
  const startProxy = (target: string) =>
    startChaosDynamoDb({
      target,
      fateOf: (id, operation, body) => {
        const fate = fateOf(id, operation, body);
        fates[fate] += 1;
        return fate;
      },
      kill: (caller) => {
        const pid = findCaller(caller, environment?.pids() ?? []);
        if (pid === undefined) return void caller.resetAndDestroy();
        process.kill(pid, 'SIGKILL');
        killed += 1;
      },
    });

  let isOver = false;
  const started = await startEnvironment({
    bundles: await bundlesOnce(),
    durationDivisor: DIVISOR,
    durations: DURATIONS,
    scheduleMs: 1_000,
    maximumEnvironments: 4,
    maximumCollects: MAXIMUM_COLLECTS,
    presets: { portraits: { model: 'wiro/image-to-image', fileParameter: 'inputImage' } },
    simulator: {
      outputs: 'tiny',
      workers: 1_000,
      balanceUsd: 1_000_000,
      concurrencyLimit: CONCURRENCY_LIMIT,
      taskDurationMs: TIMES.task,
      faultPlan: planWiroFaults(seed, planned, TIMES),
    },
    endpointOverrides: async (_name, { AWS_ENDPOINT_URL_DYNAMODB: target = '' }) => {
      proxy ??= startProxy(target);
      return { AWS_ENDPOINT_URL_DYNAMODB: (await proxy).endpoint };
    },
    onLog: (log) => {
      if (log.facts !== undefined || log.level === 'ERROR') logs.push(log);
    },
  });
  environment = started;
  const { endpoints, simulator } = started;
  if (simulator === undefined) throw new Error('The environment has no simulator');
  const aws = { region: endpoints.region, credentials: LOCAL_CREDENTIALS };
  const dynamodb = new DynamoDBClient({ ...aws, endpoint: endpoints.dynamodb });
  const s3 = new S3Client({ ...aws, endpoint: endpoints.s3, forcePathStyle: true });
  const stop = async () => {
    isOver = true;
    await started.stop();
    await (await proxy)?.stop();
    for (const client of [dynamodb, s3]) client.destroy();
  };

  const told = new Map<string, string[]>();
  const running = new Set<string>();
  let seen = 0;
  function look(): void {
    for (const { detail } of started.events().slice(seen)) {
      seen += 1;
      const [id, status] = [String(detail.id), String(detail.status)];
      if (status === 'running') running.add(id);
      else told.set(id, [...(told.get(id) ?? []), status]);
    }
  }

  let askedAgain = 0;
  const wiro = createClient({ url: endpoints.api, maximumTries: 1, timeoutMs: ANSWER_LIMIT_MS });
  /** Asks until it is accepted, as a client with an idempotency key may. */
  async function ask(what: () => Promise<unknown>): Promise<void> {
    while (!isOver) {
      const error = await what().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) return;
      if (error instanceof WiroServerlessError && (error.status ?? 0) < 500) throw error;
      askedAgain += 1;
      await wait(PAUSE_MS);
    }
  }

  const put = (Key: string, Body: Uint8Array) =>
    s3.send(new PutObjectCommand({ Bucket: endpoints.inputBucket, Key, Body }));
  /** As gateways do. */
  async function drop({ key, index, drop: how }: PlannedGeneration): Promise<void> {
    requested += 1;
    const file = picture(index % PICTURES);
    const written = how === 'thrice' ? [new Uint8Array(), file, file] : [new Uint8Array(), file];
    for (const bytes of written) await put(`uploads/portraits/${nameOfDrop(key)}`, bytes);
  }

  let requested = 0;
  async function request(generation: PlannedGeneration): Promise<void> {
    while (requested - told.size >= MOST_UNDER_WAY && !isOver) await wait(PAUSE_MS);
    requested += 1;
    if (generation.hasStranger && simulator) await runStranger(simulator);
    if (generation.drop !== undefined) await drop(generation);
    await ask(() => wiro.submit(requestOf(generation)));
    if (generation.cancelWish === undefined) return;
    while (generation.cancelWish === 'running' && !running.has(generation.id) && !told.has(generation.id)) {
      if (isOver) return;
      await wait(PAUSE_MS);
    }
    await ask(() => wiro.cancel(generation.id));
  }

  async function item(pk: string, sk: string) {
    const Key = { pk: { S: pk }, sk: { S: sk } };
    const { Item } = await dynamodb.send(
      new GetItemCommand({ TableName: endpoints.table, Key, ConsistentRead: true }),
    );
    return Item && unmarshall(Item);
  }
  /** The generations that dropped files have become, by the names of these. */
  async function idsByFolder(): Promise<ReadonlyMap<string, readonly string[]>> {
    const ids = new Map<string, string[]>();
    const pages = paginateScan(
      { client: dynamodb },
      { TableName: endpoints.table, FilterExpression: 'attribute_exists(outputFolder)' },
    );
    for await (const { Items = [] } of pages)
      for (const { id, outputFolder } of Items.map((one) => unmarshall(one))) {
        const [name = ''] = /chaos-\d+-\d+\.png/.exec(String(outputFolder)) ?? [];
        ids.set(name, [...(ids.get(name) ?? []), String(id)]);
      }
    return ids;
  }
  const gateItem = async () => (await item('gate', 'gate')) ?? {};
  async function due(): Promise<string[]> {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: endpoints.table,
        IndexName: 'due',
        KeyConditionExpression: 'dueShard = :shard',
        ExpressionAttributeValues: { ':shard': { S: '0' } },
      }),
    );
    return Items.map(({ pk }) => pk?.S?.slice('generation#'.length) ?? '');
  }
  const isSettled = async () => {
    const { slots, unanswered, waitingSince } = await gateItem();
    if (slots !== undefined || unanswered !== undefined || waitingSince !== undefined) return false;
    return (await due()).length === 0;
  };

  /** Waits until nothing is left to do, or nothing has moved for too long. */
  async function settle(failed: () => boolean): Promise<void> {
    let [progress, movedAt] = ['', performance.now()];
    while (!failed()) {
      look();
      onProgress(told.size);
      if (told.size >= count + dropped.length && (await isSettled())) return;
      const now = `${told.size} ${running.size} ${simulator?.requests().Run}`;
      if (now !== progress) [progress, movedAt] = [now, performance.now()];
      if (performance.now() - movedAt > stallMs) return;
      await wait(PAUSE_MS);
    }
  }

  try {
    for (let shade = 0; shade < PICTURES; shade += 1) await put(pictureKey(shade), picture(shade));
    await put(ODD_KEY, Buffer.from('II*\0 a picture of a kind that Wiro does not take'));
    const begunAt = performance.now();
    let failure: unknown;
    const asking = inParallel(planned, CLIENTS, request).catch((error: unknown) => {
      failure = error;
    });
    await settle(() => failure !== undefined);
    const elapsedMs = performance.now() - begunAt;
    isOver = true;
    await asking;
    if (failure !== undefined) throw failure;
    started.schedule.off();

    const tasks = new Map<string, TaskState[]>();
    for (const task of simulator.tasks()) {
      const id = /\/([a-z2-7]{26})\//.exec(task.callbackUrl)?.[1] ?? '';
      tasks.set(id, [...(tasks.get(id) ?? []), task]);
    }
    const endOf = async (id: string): Promise<EndedGeneration> => {
      const state = await item(`generation#${id}`, 'state');
      const outputs = await item(`generation#${id}`, `outputs#${state?.attempt}`);
      return {
        item: state,
        outputs: outputs ? (JSON.parse(String(outputs.body)) as Output[]) : [],
        told: told.get(id) ?? [],
        tasks: tasks.get(id) ?? [],
      };
    };
    const generations: ChaosGeneration[] = [];
    for (const one of planned) generations.push({ planned: one, ...(await endOf(one.id)) });
    const idsOfDrops = await idsByFolder();
    const drops: DroppedFile[] = [];
    for (const name of dropped)
      drops.push({ name, generations: await Promise.all((idsOfDrops.get(name) ?? []).map(endOf)) });
    const known = new Set([...planned.map(({ id }) => id), ...[...idsOfDrops.values()].flat()]);
    return {
      options,
      generations,
      drops,
      gate: await gateItem(),
      due: await due(),
      strangers: [...tasks].flatMap(([id, some]) => (known.has(id) ? [] : some)),
      chargedUsd: simulator.chargedUsd(),
      callbacks: simulator.callbacks(),
      wiroRequests: simulator.requests(),
      logs,
      fates,
      killed,
      askedAgain,
      elapsedMs,
      readOutput: async ({ bucket, key }) => {
        const found = await s3
          .send(new GetObjectCommand({ Bucket: bucket, Key: key }))
          .catch(() => undefined);
        return found?.Body?.transformToByteArray();
      },
      // A redirected request has had its fault.
      readCdn: async (url) => new Uint8Array(await (await fetch(`${url}?redirected=1`)).arrayBuffer()),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A task of somebody else in the same project, without a callback URL; where Wiro is full or breaks off, there may be none. */
async function runStranger({ apiUrl, apiKey, apiSecret }: Simulator): Promise<void> {
  const nonce = String(Date.now());
  await fetch(`${apiUrl}/Run/wiro/text-to-image`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...sign({ apiKey, ...(apiSecret !== undefined && { apiSecret }) }, nonce),
    },
    body: JSON.stringify({ prompt: 'Somebody else' }),
  }).catch(() => undefined); // the plan resets the connections of strangers too
}

const nameOfDrop = (key: string) => `${key}.png`;
const ODD_KEY = 'pictures/odd';
const pictureKey = (shade: number) => `pictures/${shade}.png`;

function requestOf({ key, index, end, pictures: [first, second] }: PlannedGeneration) {
  if (end === 'kindRefused')
    return {
      model: 'wiro/image-to-image',
      parameters: { prompt: `Scene ${index}` },
      inputs: { inputImage: ODD_KEY },
      idempotencyKey: key,
    };
  const model = first === undefined ? 'wiro/text-to-image' : 'wiro/story-maker-multi-character-consistency';
  return {
    model,
    parameters: { prompt: `Scene ${index}`, samples: 1 + (index % 20 === 0 ? 1 : 0) },
    ...(first !== undefined && {
      inputs: { inputImage: pictureKey(first), inputImage2: pictureKey(second ?? first) },
    }),
    idempotencyKey: key,
  };
}

/** In order, so many at a time. */
async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (const item of items) {
    const working = work(item).finally(() => underWay.delete(working));
    underWay.add(working);
    if (underWay.size >= atOnce) await Promise.race(underWay);
  }
  await Promise.all(underWay);
}

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { createClient } from '../client/index.ts';
import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import { LOCAL_CREDENTIALS } from '../local/aws/credentials.ts';
import type { FunctionLog } from '../local/aws/lambda-types.ts';
import { type Environment, type FunctionBundle, startEnvironment } from '../local/environment.ts';
import { type Counts, type CountsByFunction, createCounter } from './cost-counter.ts';

export interface CostRunOptions {
  readonly generations: number;
  /** The size of each of the two inputs. @default 2_000_000 */
  readonly inputBytes?: number;
  readonly inputHandover: 'upload' | 'presigned';
  readonly metrics: boolean;
  readonly bundles: Readonly<Record<FunctionName, FunctionBundle>>;
}

/** One function's average usage for one generation, or for `reconcile` for one run. */
export interface Usage extends Counts {
  readonly invocations: number;
  /** The total duration of all invocations, measured by the host. */
  readonly durationMs: number;
  /** The processor time of its processes, including all threads. */
  readonly processorMs: number;
  /** One cold start. */
  readonly initMs: number;
  /** The most memory that one of its processes had, from its start. */
  readonly peakMib: number;
  readonly logLines: number;
  readonly logBytes: number;
}

export type UsageByFunction = Readonly<Record<FunctionName, Usage>>;

const NAMES = Object.keys(FUNCTIONS) as FunctionName[];
const WARM_UP = 3;
const INPUT_BYTES = 2_000_000;
const OUTPUTS = 2;
/** On a busy machine a generation takes much longer than a second. */
const GIVE_UP_MS = 300_000;

/** Runs generations one after the other, each with two new inputs of 2 MB and two outputs, and counts their usage. */
export async function runGenerations({
  generations,
  inputBytes = INPUT_BYTES,
  ...options
}: CostRunOptions): Promise<UsageByFunction> {
  return withEnvironment(options, async (environment, measure) => {
    const run = (index: number) => runOne(environment, index, inputBytes);
    for (let index = 0; index < WARM_UP; index += 1) await run(index);
    return measure(generations, async () => {
      for (let index = 0; index < generations; index += 1) await run(WARM_UP + index);
    });
  });
}

/** Runs `reconcile` in an idle deployment, outside the minutes in which it reads the other shards of `due`. */
export async function runIdle(runs: number, options: Omit<CostRunOptions, 'generations'>): Promise<Usage> {
  const usage = await withEnvironment(options, async (environment, measure) => {
    for (let index = 0; index < WARM_UP; index += 1) await environment.invoke('reconcile', {});
    while (new Date().getUTCMinutes() % 10 === 0) await sleep(1_000);
    return measure(runs, async () => {
      for (let index = 0; index < runs; index += 1) await environment.invoke('reconcile', {});
    });
  });
  return usage.reconcile;
}

type Measure = (per: number, work: () => Promise<void>) => Promise<UsageByFunction>;

async function withEnvironment<T>(
  { inputHandover, metrics, bundles }: Omit<CostRunOptions, 'generations'>,
  work: (environment: Environment, measure: Measure) => Promise<T>,
): Promise<T> {
  const counter = createCounter();
  const lines: FunctionLog[] = [];
  const environment = await startEnvironment({
    bundles,
    inputHandover,
    metrics,
    // `reconcile` is counted separately.
    schedule: false,
    endpointOverrides: counter.endpointOverrides,
    simulator: { balanceUsd: 1_000_000, taskDurationMs: 500 },
    onLog: (log) => lines.push(log),
  });
  try {
    return await work(environment, async (per, act) => {
      const before = snapshot(environment, counter.counts());
      const firstLine = lines.length;
      await act();
      await environment.idle();
      return usage(environment, before, counter.counts(), lines.slice(firstLine), per);
    });
  } finally {
    await environment.stop();
    await counter.stop();
  }
}

/** Runs one generation with two new inputs, of 2 MB by default, and two outputs to its end. */
export async function runOne(
  { endpoints, events }: Environment,
  index: number,
  inputBytes = INPUT_BYTES,
): Promise<void> {
  const s3 = new S3Client({
    region: endpoints.region,
    credentials: LOCAL_CREDENTIALS,
    endpoint: endpoints.s3,
    forcePathStyle: true,
  });
  const keys = ['first', 'second'].map((which) => `inputs/${index}-${which}.jpg`);
  for (const [which, Key] of keys.entries())
    await s3.send(
      new PutObjectCommand({
        Bucket: endpoints.inputBucket,
        Key,
        Body: await photo(2 * index + which, inputBytes),
        ContentType: 'image/jpeg',
      }),
    );
  s3.destroy();
  const [inputImage, inputImage2] = keys;
  const { id } = await createClient({ url: endpoints.api, maximumTries: 1 }).submit({
    model: 'wiro/story-maker-multi-character-consistency',
    parameters: { prompt: 'Two friends watch a rocket start', width: 1024, height: 1024, samples: OUTPUTS },
    inputs: { inputImage: inputImage ?? '', inputImage2: inputImage2 ?? '' },
    idempotencyKey: `cost-${index}`,
  });
  const end = () =>
    events().find(
      ({ detail }) => detail.id === id && /succeeded|failed|cancelled/.test(String(detail.status)),
    );
  const giveUpAt = performance.now() + GIVE_UP_MS;
  while (end() === undefined) {
    if (performance.now() > giveUpAt) throw new Error(`Generation ${id} did not end within five minutes`);
    await sleep(20);
  }
  const { detail } = end() ?? {};
  if (detail?.status !== 'succeeded' || (detail.outputs as unknown[]).length !== OUTPUTS)
    throw new Error(`Generation ${id} ended with ${JSON.stringify(detail)}`);
}

/** Creates a unique JPEG of about this size, so that no earlier upload matches it. */
async function photo(seed: number, sizeBytes: number): Promise<Buffer> {
  const pixels = Buffer.alloc(64 * 64 * 3);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = (at * 2_654_435_761 + seed * 40_503) >>> 24;
  const raw = { width: 64, height: 64, channels: 3 } as const;
  const image = await sharp(pixels, { raw }).resize(1024, 1024).jpeg({ quality: 95 }).toBuffer();
  // Readers ignore bytes after the end of a JPEG.
  return Buffer.concat([image, Buffer.alloc(Math.max(0, sizeBytes - image.length), seed)]);
}

interface Snapshot {
  readonly counts: CountsByFunction;
  readonly reports: number;
  readonly processorMs: Readonly<Record<FunctionName, number>>;
}

function snapshot(environment: Environment, counts: CountsByFunction): Snapshot {
  return { counts, reports: environment.reports().length, processorMs: processorTimes(environment) };
}

function usage(
  environment: Environment,
  before: Snapshot,
  counts: CountsByFunction,
  lines: readonly FunctionLog[],
  per: number,
): UsageByFunction {
  const processorMs = processorTimes(environment);
  const peaks = peaksOfMemory(environment);
  const of = (name: FunctionName): Usage => {
    const awsName = environment.endpoints.functions[name];
    const mine = environment.reports().filter(({ functionName }) => functionName === awsName);
    const reports = environment
      .reports()
      .slice(before.reports)
      .filter(({ functionName }) => functionName === awsName);
    const written = lines.filter(({ functionName }) => functionName === awsName);
    const inits = mine.flatMap(({ initMs }) => (initMs === undefined ? [] : [initMs]));
    const counted = Object.entries(counts[name]).map(([what, number]) => [
      what,
      (number - before.counts[name][what as keyof Counts]) / per,
    ]);
    return {
      ...(Object.fromEntries(counted) as unknown as Counts),
      invocations: reports.length / per,
      durationMs: reports.reduce((sum, { durationMs }) => sum + durationMs, 0) / per,
      processorMs: (processorMs[name] - before.processorMs[name]) / per,
      initMs: inits.reduce((sum, one) => sum + one, 0) / Math.max(1, inits.length),
      peakMib: peaks[name],
      logLines: written.length / per,
      logBytes: written.reduce((sum, line) => sum + bytesOf(line), 0) / per,
    };
  };
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as unknown as UsageByFunction;
}

/** The size of the line as the function wrote it. The host has parsed its level, time and request id. */
function bytesOf({ level, at, message, requestId, facts }: FunctionLog): number {
  const line = { level, timestamp: at.toISOString(), message, requestId, ...facts };
  return Buffer.byteLength(JSON.stringify(line));
}

/** Reads the processor times of each function's processes from Linux. */
function processorTimes(environment: Environment): Record<FunctionName, number> {
  const times: Record<FunctionName, number> = { api: 0, submit: 0, callback: 0, reconcile: 0 };
  for (const { pid, name } of processes(environment)) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    // utime and stime are fields 14 and 15, in hundredths of a second.
    times[name] += (Number(fields[11]) + Number(fields[12])) * 10;
  }
  return times;
}

/** Reads the peak of each function's memory from Linux: of the process that had most. */
function peaksOfMemory(environment: Environment): Record<FunctionName, number> {
  const peaks: Record<FunctionName, number> = { api: 0, submit: 0, callback: 0, reconcile: 0 };
  for (const { pid, name } of processes(environment)) {
    const [, kib] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    peaks[name] = Math.max(peaks[name], Number(kib ?? 0) / 1_024);
  }
  return peaks;
}

function processes(
  environment: Environment,
): readonly { readonly pid: number; readonly name: FunctionName }[] {
  return environment.pids().flatMap((pid) => {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const awsName = variables.find((one) => one.startsWith('AWS_LAMBDA_FUNCTION_NAME='))?.split('=')[1];
    const name = NAMES.find((one) => environment.endpoints.functions[one] === awsName);
    return name === undefined ? [] : [{ pid, name }];
  });
}

import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '../client/index.ts';
import type { FunctionName } from '../functions/functions.ts';
import type { Durations } from '../functions/settings.ts';
import type { FunctionBundle } from '../local/environment.ts';
import { startEnvironment } from '../local/environment.ts';

export interface DrainOptions {
  readonly generations: number;
  /** How many tasks Wiro runs at once; nobody tells the deployment. */
  readonly limit: number;
  /** How long a task takes, in real milliseconds. */
  readonly taskMs: number;
  /** The limit becomes another once so many generations have ended. */
  readonly change?: { readonly afterEnds: number; readonly limit: number };
  readonly bundles?: Readonly<Record<FunctionName, FunctionBundle>>;
  /** How many environments of one function there may be. @default 8 */
  readonly maximumEnvironments?: number;
  readonly onProgress?: (ended: number) => void;
}

export interface DrainResult {
  readonly options: DrainOptions;
  readonly succeeded: number;
  readonly tasks: number;
  /** From the first Run to the last end at Wiro, over what it takes at best. */
  readonly ratio: number;
  readonly elapsedMs: number;
  readonly idealMs: number;
  /** Runs that Wiro refused with code 96. */
  readonly refusals: number;
  /** The most that one task started before another that was accepted earlier: how many places it had overtaken. */
  readonly worstOvertaking: number;
  /** Shares of the limit that ran, one for each slice of the whole time. */
  readonly utilisation: readonly number[];
  /** Median milliseconds from the end of a task to the start of the next one in its place. */
  readonly turnoverMs: number;
}

/** Where a time-out is no measure of anything, only a busy machine's safety net. */
const DURATIONS: Partial<Durations> = {
  lease: 60_000,
  leaseRenewal: 20_000,
  markLease: 90_000,
  runLimit: 30_000,
  runSendLimit: 10_000,
};
const SLICES = 60;
const PAUSE_MS = 50;
const CLIENTS = 8;
/** Of the ideal time: then it has got stuck. */
const PATIENCE = 6;

/**
 * Lets a full line of generations run off against a limit that is unknown at the start. They are accepted through the
 * API, as fast as it takes them, while the first ones run already.
 */
export async function runDrain(options: DrainOptions): Promise<DrainResult> {
  const { generations: count, limit, taskMs, change, onProgress = () => {} } = options;
  let refusals = 0;
  const environment = await startEnvironment({
    ...(options.bundles && { bundles: options.bundles }),
    durations: DURATIONS,
    // A minute by default: the line must not live by it.
    scheduleMs: 60_000,
    maximumEnvironments: options.maximumEnvironments ?? 8,
    onLog: ({ message, facts }) => {
      if (message === 'A Run was refused' && facts?.reason === 'concurrencyLimit') refusals += 1;
    },
    simulator: {
      outputs: 'tiny',
      workers: 10_000,
      balanceUsd: 1_000_000,
      concurrencyLimit: limit,
      taskDurationMs: taskMs,
    },
  });
  try {
    const { endpoints, simulator } = environment;
    if (simulator === undefined) throw new Error('The environment has no simulator');
    const accepted: { readonly id: string; readonly createdAt: string }[] = [];
    let next = 0;
    const wiro = createClient({ url: endpoints.api, maximumTries: 1 });
    const client = async () => {
      for (let index = next++; index < count; index = next++) {
        const idempotencyKey = `drain-${index}`;
        const body = {
          model: 'wiro/text-to-image',
          parameters: { prompt: `Scene ${index}` },
          idempotencyKey,
        };
        const { id, createdAt } = await wiro.submit(body);
        accepted.push({ id, createdAt });
      }
    };
    const idealMs = Math.ceil(count / limit) * taskMs;
    const endsAt = performance.now() + PATIENCE * idealMs + 60_000;
    const clients = Promise.all(Array.from({ length: CLIENTS }, client));
    clients.catch(() => {}); // awaited below
    let changedAt: number | undefined;
    let over = 0;
    while (over < count && performance.now() < endsAt) {
      over = environment.events().filter(({ detail }) => detail.status === 'succeeded').length;
      onProgress(over);
      if (change !== undefined && changedAt === undefined && over >= change.afterEnds) {
        simulator.set({ concurrencyLimit: change.limit });
        changedAt = Date.now();
      }
      await wait(PAUSE_MS);
    }
    await clients;

    const tasks = simulator.tasks();
    const order = accepted
      .sort((one, other) => (`${one.createdAt}#${one.id}` < `${other.createdAt}#${other.id}` ? -1 : 1))
      .map(({ id }) => id);
    const places = new Map(order.map((id, place) => [id, place]));
    const spans = tasks.map(({ createdAt, endedAt, callbackUrl }) => ({
      startedAt: createdAt,
      endedAt: endedAt ?? Date.now(),
      place: places.get(/\/([a-z2-7]{26})\//.exec(callbackUrl)?.[1] ?? '') ?? -1,
    }));
    const begunAt = Math.min(...spans.map(({ startedAt }) => startedAt));
    const endedAt = Math.max(...spans.map((span) => span.endedAt));
    const limits = [
      { from: begunAt, limit },
      ...(changedAt === undefined || change === undefined ? [] : [{ from: changedAt, limit: change.limit }]),
    ];
    const ideal = idealTime(count * taskMs, limits);
    return {
      options,
      succeeded: over,
      tasks: tasks.length,
      elapsedMs: endedAt - begunAt,
      idealMs: ideal,
      ratio: (endedAt - begunAt) / ideal,
      refusals,
      worstOvertaking: worstOvertaking(spans),
      utilisation: utilisation(spans, { begunAt, endedAt, limits }),
      turnoverMs: turnover(spans),
    };
  } finally {
    await environment.stop();
  }
}

interface Span {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly place: number;
}

interface LimitFrom {
  readonly from: number;
  readonly limit: number;
}

/** How long so much work takes when every place is taken all the time. */
function idealTime(work: number, limits: readonly LimitFrom[]): number {
  let [left, elapsed] = [work, 0];
  for (const [index, { from, limit }] of limits.entries()) {
    const lasts = (limits[index + 1]?.from ?? Number.POSITIVE_INFINITY) - from;
    const takes = Math.min(left / limit, lasts);
    left -= takes * limit;
    elapsed += takes;
  }
  return elapsed;
}

/** Over all tasks: how many places earlier than the latest one to have started before it a task stood in line. */
function worstOvertaking(spans: readonly Span[]): number {
  let worst = 0;
  let furthest = -1;
  for (const { place } of [...spans].sort((one, other) => one.startedAt - other.startedAt)) {
    worst = Math.max(worst, furthest - place);
    furthest = Math.max(furthest, place);
  }
  return worst;
}

function utilisation(
  spans: readonly Span[],
  {
    begunAt,
    endedAt,
    limits,
  }: { readonly begunAt: number; readonly endedAt: number; readonly limits: readonly LimitFrom[] },
): number[] {
  const width = (endedAt - begunAt) / SLICES;
  return Array.from({ length: SLICES }, (_, slice) => {
    const [from, to] = [begunAt + slice * width, begunAt + (slice + 1) * width];
    const busy = spans.reduce(
      (sum, span) => sum + Math.max(0, Math.min(span.endedAt, to) - Math.max(span.startedAt, from)),
      0,
    );
    const limit = limits.findLast((one) => one.from <= (from + to) / 2)?.limit ?? 1;
    return busy / width / limit;
  });
}

/** The n-th start after the first full house follows the n-th end: what lies between them is ours. */
function turnover(spans: readonly Span[]): number {
  const ends = spans.map((span) => span.endedAt).sort((one, other) => one - other);
  const starts = spans.map((span) => span.startedAt).sort((one, other) => one - other);
  const house = starts.findIndex((start) => start > (ends[0] ?? 0));
  const waits = starts
    .slice(house)
    .map((start, index) => start - (ends[index] ?? start))
    .sort((one, other) => one - other);
  return waits[Math.floor(waits.length / 2)] ?? 0;
}

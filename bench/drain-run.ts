import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '../client/index.ts';
import type { FunctionName } from '../functions/functions.ts';
import type { Durations } from '../functions/settings.ts';
import type { FunctionBundle } from '../local/environment.ts';
import { startEnvironment } from '../local/environment.ts';

export interface DrainOptions {
  readonly generations: number;
  /** Wiro's limit of concurrent tasks, which the deployment does not know. */
  readonly limit: number;
  /** The duration of a task in real milliseconds. */
  readonly taskMs: number;
  /** Changes the limit after this number of ended generations. */
  readonly change?: { readonly afterEnds: number; readonly limit: number };
  readonly bundles?: Readonly<Record<FunctionName, FunctionBundle>>;
  /** The maximum number of environments per function. @default 8 */
  readonly maximumEnvironments?: number;
  readonly onProgress?: (ended: number) => void;
}

export interface DrainResult {
  readonly options: DrainOptions;
  readonly succeeded: number;
  readonly tasks: number;
  /** The time from the first Run to the last end at Wiro, divided by the ideal time. */
  readonly ratio: number;
  readonly elapsedMs: number;
  readonly idealMs: number;
  /** Runs that Wiro refused with code 96. */
  readonly refusals: number;
  /** The largest number of places by which a task overtook one that was accepted earlier. */
  readonly worstOvertaking: number;
  /** The used share of the limit, for each slice of the whole time. */
  readonly utilisation: readonly number[];
  /** The median time from a task's end to the start of the next one in its slot, in milliseconds. */
  readonly turnoverMs: number;
}

/** Longer timeouts, so that a busy machine does not cause failures. */
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
/** The run fails after this multiple of the ideal time. */
const PATIENCE = 6;

/**
 * Runs a full line of generations against an initially unknown limit. Clients submit them through the API as fast as it
 * accepts them, while the first ones are already running.
 */
export async function runDrain(options: DrainOptions): Promise<DrainResult> {
  const { generations: count, limit, taskMs, change, onProgress = () => {} } = options;
  let refusals = 0;
  const environment = await startEnvironment({
    ...(options.bundles && { bundles: options.bundles }),
    durations: DURATIONS,
    // The default. The line must not depend on the schedule.
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

/** The time that the work takes if every slot is always in use. */
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

/** The largest number of places by which a task overtook one that was before it in line. */
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

/** Once all slots are in use, the n-th following start reuses the slot of the n-th end. The time between is ours. */
function turnover(spans: readonly Span[]): number {
  const ends = spans.map((span) => span.endedAt).sort((one, other) => one - other);
  const starts = spans.map((span) => span.startedAt).sort((one, other) => one - other);
  const firstReuse = starts.findIndex((start) => start > (ends[0] ?? 0));
  const waits = starts
    .slice(firstReuse)
    .map((start, index) => start - (ends[index] ?? start))
    .sort((one, other) => one - other);
  return waits[Math.floor(waits.length / 2)] ?? 0;
}

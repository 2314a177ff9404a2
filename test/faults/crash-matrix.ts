import { availableParallelism } from 'node:os';
import { mapLimited } from '../../functions/runtime/map-limited.ts';
import { bundlesOnce } from '../support/bundles.ts';
import { type CrashCase, callName, caseName } from './calls.ts';
import { FLOWS } from './flows.ts';
import { choosePace } from './pace.ts';
import { isEssential, planCases, sample } from './plan-cases.ts';
import { type Job, type JobResult, type Pool, startPool } from './pool.ts';

export interface CrashMatrixOptions {
  /** Of the cases that are not essential, chosen by `seed`. @default 1 - all */
  readonly share?: number;
  /** @default 1 */
  readonly seed?: number;
  /** @default - all */
  readonly flows?: readonly string[];
  /** Worlds side by side. @default - two for every processor */
  readonly workers?: number;
  /** After this no case is begun that is not essential. @default - however long it takes */
  readonly budgetMs?: number;
  readonly onCase?: (outcome: CaseOutcome, progress: { readonly done: number; readonly of: number }) => void;
}

export interface CaseOutcome {
  readonly crash: CrashCase;
  /** Who was killed; `undefined` when the call did not come in any of the tries. */
  readonly killed?: string;
  readonly problems: readonly string[];
  readonly state?: string;
  /** Got stuck once, and not again in a world of its own: what it said then. */
  readonly slow?: string;
  readonly durationMs: number;
}

/** One line of the table. */
export interface FlowOutcome {
  readonly flow: string;
  /** Named calls of the undisturbed run. */
  readonly calls: number;
  /** What they give rise to, and how many of it were run. */
  readonly cases: number;
  readonly outcomes: readonly CaseOutcome[];
  /** Of the undisturbed run. */
  readonly problems: readonly string[];
  readonly state?: string;
}

/** More of them starve each other: claims then end for want of a processor, and what is done again costs more than is won. */
const MOST_WORLDS = 2 * availableParallelism();
/** A busy machine makes calls that do not come again: renewals, and looks of `reconcile`. */
const RECORDED_AT_ONCE = 2;
/** A call that another order of things kept away comes with the next try. */
const TRIES = 3;

/** Records every flow undisturbed, then runs it again with a process killed at each of its calls. */
export async function runCrashMatrix({
  share = 1,
  seed = 1,
  flows = FLOWS.map(({ name }) => name),
  workers = MOST_WORLDS,
  budgetMs = Number.POSITIVE_INFINITY,
  onCase = () => {},
}: CrashMatrixOptions = {}): Promise<readonly FlowOutcome[]> {
  const endsAt = performance.now() + budgetMs;
  const pool = startPool({ workers, bundles: await bundlesOnce(), pace: await choosePace() });
  try {
    const recorded = await mapLimited(flows, RECORDED_AT_ONCE, async (flow) => {
      const run = await recordCalls(pool, { flow, isCold: share === 1 });
      return { flow, run, cases: run.problems.length > 0 ? [] : planCases(flow, run.calls) };
    });
    const all = recorded.flatMap(({ cases }) => cases);
    const essential = all.filter(isEssential);
    const others = sample(all, { share, seed }).filter((one) => !isEssential(one));
    const chosen = groupedByWorld([...essential, ...others]);
    const outcomes: CaseOutcome[] = [];
    await mapLimited(chosen, workers, async (crash) => {
      if (performance.now() > endsAt && !isEssential(crash)) return;
      const outcome = await runCase(pool, crash);
      outcomes.push(outcome);
      onCase(outcome, { done: outcomes.length, of: chosen.length });
    });
    return recorded.map(({ flow, run, cases }) => ({
      flow,
      calls: run.calls.length,
      cases: cases.length,
      outcomes: outcomes.filter(({ crash }) => crash.flow === flow),
      problems: run.problems,
      ...(run.state !== undefined && { state: run.state }),
    }));
  } finally {
    await pool.stop();
  }
}

/** Runs one case alone. */
export async function runSingleCase(crash: CrashCase): Promise<CaseOutcome> {
  const pool = startPool({ workers: 1, bundles: await bundlesOnce(), pace: await choosePace() });
  try {
    return await runCase(pool, crash);
  } finally {
    await pool.stop();
  }
}

/** A flow with settings of its own needs another world, and to start one costs more than a case. */
function groupedByWorld(cases: readonly CrashCase[]): readonly CrashCase[] {
  const settings = new Map(FLOWS.map((flow) => [flow.name, JSON.stringify(flow.settings ?? {})]));
  const worldOf = ({ flow }: CrashCase) => settings.get(flow) ?? '';
  return cases.toSorted((a, b) => worldOf(a).localeCompare(worldOf(b)));
}

async function recordCalls(pool: Pool, job: Job): Promise<JobResult> {
  const result = await pool.run(job);
  return result.isStuck ? pool.run(job) : result;
}

async function runCase(pool: Pool, crash: CrashCase): Promise<CaseOutcome> {
  const { flow, call, place } = crash;
  let durationMs = 0;
  let slow: string | undefined;
  let result: JobResult | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    // Secrets are read once a container; other calls come warm or cold.
    const isCold = call.operation.startsWith('SSM.') || tries === 1;
    result = await pool.run({ flow, target: { call, place }, isCold });
    durationMs += result.durationMs;
    // Once more in a world of its own, so that what is slow is told from what is wrong.
    if (result.isStuck && tries === 0) {
      slow = `${result.problems.join('\n  ')}\n${result.state}`;
      continue;
    }
    if (result.killed !== undefined || result.problems.length > 0) break;
  }
  return {
    crash,
    durationMs,
    problems: result?.problems ?? [],
    ...(slow !== undefined && { slow }),
    ...(result?.killed !== undefined && { killed: result.killed }),
    ...(result?.state !== undefined && { state: result.state }),
  };
}

/** What to read of a case that went wrong, and how to see it again. */
export function describeFailure({ crash, problems, state, killed }: CaseOutcome, seed: number): string {
  return [
    `✗ ${caseName(crash)}`,
    ...problems.map((problem) => `  ${problem}`),
    `  flow "${crash.flow}", killed at ${callName(crash.call)} (${crash.place}): ${killed ?? 'nobody'}; seed ${seed}`,
    `  npm run test:faults -- --case "${caseName(crash)}"`,
    ...(state === undefined ? [] : [state]),
  ].join('\n');
}

/** Flow, calls, cases, failures, seconds: one line each. */
export function formatTable(flows: readonly FlowOutcome[]): string {
  const rows = flows.map(({ flow, calls, cases, outcomes, problems }) => {
    const seconds = outcomes.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
    const failures = outcomes.filter((outcome) => outcome.problems.length > 0).length;
    const missed = outcomes.filter(({ killed }) => killed === undefined).length;
    const slow = outcomes.filter((outcome) => outcome.slow !== undefined).length;
    const undisturbed = problems.length > 0 ? 1 : 0;
    return [flow, calls, cases, outcomes.length, failures + undisturbed, slow, missed, Math.round(seconds)];
  });
  const sums = [1, 2, 3, 4, 5, 6, 7].map((column) => rows.reduce((sum, row) => sum + Number(row[column]), 0));
  const lines = [
    ['flow', 'calls', 'cases', 'run', 'failures', 'slow', 'not met', 'seconds'],
    ...rows,
    ['together', ...sums],
  ];
  const width = Math.max(...lines.map(([name]) => String(name).length));
  return lines
    .map(([name, ...columns]) =>
      [String(name).padEnd(width), ...columns.map((column) => String(column).padStart(9))].join(''),
    )
    .join('\n');
}

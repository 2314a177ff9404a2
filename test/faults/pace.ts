import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Durations } from '../../functions/settings.ts';
import type { EnvironmentOptions } from '../../local/environment.ts';

/** How quickly a world lives. */
export interface Pace {
  readonly options: Pick<EnvironmentOptions, 'durationDivisor' | 'scheduleMs' | 'durations'>;
  /** How long anything may take before it counts as stuck. */
  readonly patienceMs: number;
}

const DIVISOR = 100;
const MINUTE_MS = 60_000;
/** A look that finds nothing costs the same two cores as what it waits for: twice a hundredth of a minute. */
const SCHEDULE_MS = (2 * MINUTE_MS) / DIVISOR;

/** In milliseconds, with two cores to spare. What bounds real work cannot be a hundredth of what it is in AWS. */
const REAL_WORK = {
  lease: 1_200,
  leaseRenewal: 400,
  markLease: 1_500,
  runLimit: 1_000,
  runSendLimit: 500,
  connect: 1_000,
  headers: 1_000,
  body: 1_000,
  stall: 1_500,
  modelLimit: 1_000,
  uploadPoll: 100,
} as const satisfies Partial<Durations>;

/** Not read or tried again every few seconds, so that a run of a flow makes the same calls as the one before. */
const KEPT = {
  limitProbe: 600_000,
  secrets: 600_000,
  modelCache: 600_000,
  // Environments outlive the flow in which they found it out.
  uploadsRefused: 1,
} as const satisfies Partial<Durations>;

/**
 * Everything a hundred times as fast as in AWS, but stretched as far as this machine has other things to do; to be asked
 * before the worlds that live by it make it busy.
 */
export async function choosePace(): Promise<Pace> {
  const slowness = await measureSlowness();
  const stretched = Object.entries(REAL_WORK).map(([name, ms]) => [name, Math.round(ms * slowness)]);
  return {
    options: {
      durationDivisor: DIVISOR,
      scheduleMs: SCHEDULE_MS * slowness,
      durations: { ...Object.fromEntries(stretched), ...KEPT },
    },
    patienceMs: MINUTE_MS * slowness,
  };
}

const USUAL_STARTS_MS = 250;
const SLOWEST = 6;

/** @returns 1 with two cores to spare, more where starting a process takes longer than it does there. */
async function measureSlowness(): Promise<number> {
  const begun = performance.now();
  for (let starts = 0; starts < 2; starts += 1) await once(spawn(process.execPath, ['--eval', '0']), 'exit');
  return Math.min(Math.max((performance.now() - begun) / USUAL_STARTS_MS, 1), SLOWEST);
}

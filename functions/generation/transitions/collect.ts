import type { GenerationError } from '../errors.ts';
import type { Collecting, Generation, Queued, Running, StopSent } from '../generation.ts';
import { after, type Moment, type Timestamp } from '../time.ts';
import { isFree, leaseTo } from './claim.ts';
import { startNextAttempt } from './parts.ts';
import { addSetback, type Setback } from './trouble.ts';

//     running ──claimToCollect──► collecting ──rerun──► queued, the next attempt
//        ▲                            │
//        └──lookLater, collectLater,──┘
//           readLater

/** Claims a generation that runs, or whose holder let its lease run out. */
export function claimToCollect(
  generation: Generation,
  holder: string,
  moment: Moment,
): Collecting | undefined {
  if (generation.status === 'collecting') {
    if (generation.claim.holder === holder) return generation;
    return isFree(generation.claim, moment)
      ? { ...generation, ...leaseTo(generation, holder, moment) }
      : undefined;
  }
  if (generation.status !== 'running') return undefined;
  return { ...generation, status: 'collecting', ...leaseTo(generation, holder, moment) };
}

/** How a task that has not ended stands. */
export interface Standing {
  /** The latest callback that was known when Wiro was asked. A later one may announce an end that Wiro did not show. */
  readonly callbackKnown: Timestamp | undefined;
  /** What was sent to stop the task. Absent if it need not stop, or no longer. */
  readonly stop?: StopSent;
  /** The error that the task stands at and may recover from. */
  readonly error?: Setback;
}

/** The task has not ended: looks again later. The pauses grow with the task's age. */
export function lookLater(
  generation: Collecting,
  { callbackKnown, stop, error }: Standing,
  { now, durations }: Moment,
): Running {
  const { claim: _, trouble: __, stop: ___, ...rest } = generation;
  const trouble = error && addSetback(generation, error, { now, durations });
  const next: Running = {
    ...rest,
    status: 'running',
    ...(stop && { stop }),
    looks: trouble?.looks ?? 0,
    ...(trouble && { trouble: trouble.trouble }),
  };
  if (generation.callback?.seenAt !== callbackKnown) return { ...next, dueAt: now };
  // A request to cancel came while Wiro was asked: the task is to stop now, not at the next look.
  if (stop === undefined && isToStop(generation, { now, durations })) return { ...next, dueAt: now };
  const age = Date.parse(now) - Date.parse(generation.run.startedAt);
  const usual = after(now, stop ? durations.stopRepeat : clamp(age / 2, durations.look, durations.lookMax));
  const look = trouble && trouble.dueAt < usual ? trouble.dueAt : usual;
  // No look may pass over the deadline.
  const deadline = after(generation.run.startedAt, durations.deadline);
  return { ...next, dueAt: deadline > now && deadline < look ? deadline : look };
}

/** Wiro did not answer, or an output is not available yet: collects again after a back-off. */
export function collectLater(generation: Collecting, setback: Setback, moment: Moment): Running {
  const { claim: _, ...rest } = generation;
  return { ...rest, status: 'running', ...addSetback(generation, setback, moment) };
}

/** The task succeeded but shows no outputs: reads it again before that is believed. */
export function readLater(generation: Collecting, { now, durations }: Moment): Running {
  const { claim: _, ...rest } = generation;
  return {
    ...rest,
    status: 'running',
    emptyReads: rest.emptyReads + 1,
    dueAt: after(now, durations.emptyOutputsGap),
  };
}

/**
 * Runs once more with fresh uploads. The run failed with reused ones: Wiro may have dropped the old files, and does not
 * charge a failed run.
 */
export const rerun = (generation: Collecting, error: GenerationError, moment: Moment): Queued => ({
  ...startNextAttempt(generation, generation.task, error, moment),
  freshUploads: true,
});

/** Whether the task must stop: a request to cancel stands, or the deadline is past. */
export const isToStop = (generation: Collecting | Running, moment: Moment): boolean =>
  generation.cancelRequestedAt !== undefined || isPastDeadline(generation, moment);

export const isPastDeadline = ({ run }: Collecting | Running, { now, durations }: Moment): boolean =>
  after(run.startedAt, durations.deadline) <= now;

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);

import type { Timestamp } from '../generation/time.ts';
import type { Task } from './types.ts';

/** When a Run was sent, and how far Wiro's clock may be behind ours. */
export interface SentRun {
  readonly startedAt: Timestamp;
  /** How long before `startedAt` Wiro may say that the task was created, in milliseconds. */
  readonly marginMs: number;
}

/** Whether a task was created before the Run was sent. Wiro's clock counts whole seconds. */
export const isTooOld = ({ createdAtSeconds }: Task, { startedAt, marginMs }: SentRun): boolean =>
  createdAtSeconds !== undefined && createdAtSeconds + 1 < (Date.parse(startedAt) - marginMs) / 1_000;

/** Whether a task was created after the Run was sent, without any margin. */
export const isYounger = ({ createdAtSeconds }: Task, { startedAt }: SentRun): boolean =>
  createdAtSeconds !== undefined && createdAtSeconds >= Date.parse(startedAt) / 1_000;

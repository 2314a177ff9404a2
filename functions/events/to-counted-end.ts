import { type Announcement, type Generation, hasEnded } from '../generation/generation.ts';
import type { KeptAttempt } from '../generation/past-attempts.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import type { CountedEnd } from '../store/usage-item.ts';

const STATUS = { Succeeded: 'succeeded', Failed: 'failed', Cancelled: 'cancelled' } as const;

/** Returns what usage counts of an announcement. `undefined` if it announces no end. */
export function toCountedEnd(whole: WholeGeneration, announcement: Announcement): CountedEnd | undefined {
  const { generation, request, pastAttempts } = whole;
  const { attempt, type, at } = announcement;
  if (type === 'Running') return undefined;
  const { taskId, costUsd, isUncharged } =
    attempt === generation.attempt
      ? accountOf(generation)
      : accountOfPast(pastAttempts.find((past) => past.attempt === attempt));
  // A retry that collects a task again does not pay for it again.
  const paid = pastAttempts
    .filter((past) => past.attempt < attempt && past.taskId !== undefined && past.taskId === taskId)
    .map((past) => toMicroUsd(past.costUsd));
  return {
    id: generation.id,
    attempt,
    endedAt: at,
    model: generation.model,
    labels: request.labels,
    counts: {
      status: STATUS[type],
      costMicroUsd: Math.max(0, toMicroUsd(costUsd) - Math.max(0, ...paid)),
      isCostUnknown: costUsd === undefined && !isUncharged,
    },
  };
}

interface Account {
  readonly taskId?: string | undefined;
  readonly costUsd?: number | undefined;
  /** If no cost is recorded, there is none. */
  readonly isUncharged: boolean;
}

function accountOf(generation: Generation): Account {
  if (!hasEnded(generation)) return { isUncharged: true };
  const { task, taskEnd, costUsd } = generation;
  const mayHaveTask =
    task !== undefined || (generation.status === 'failed' && isTaskLost(generation.error.code));
  return {
    taskId: task?.id,
    costUsd,
    isUncharged: !mayHaveTask || taskEnd === 'failed' || taskEnd === 'cancelled',
  };
}

/** An attempt that was retried before its end was announced. Does not keep how the task ended. */
function accountOfPast(past: KeptAttempt | undefined): Account {
  if (past === undefined) return { isUncharged: false };
  const { taskId, costUsd, code } = past;
  return {
    taskId,
    costUsd,
    isUncharged: code === 'model_failed' || (taskId === undefined && !isTaskLost(code)),
  };
}

/** Whether a task may exist that no attempt knows. */
const isTaskLost = (code: KeptAttempt['code']) => code === 'submission_unknown' || code === 'task_unreadable';

const toMicroUsd = (usd = 0): number => Math.round(usd * 1_000_000);

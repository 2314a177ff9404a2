import { type Ending, type Generation, hasEnded } from '../generation/generation.ts';
import { log } from '../runtime/log.ts';
import type { Measurements } from '../runtime/metrics.ts';

/**
 * Logs, and thereby counts in the metrics, that a generation was accepted or has ended. Called after the change is
 * stored. A crash in between leaves the change uncounted, and no invariant depends on the count.
 * @param before - The state before the change. Absent for a new generation.
 */
export function noteChange(generation: Generation, before?: Generation): void {
  const { id: generationId, model, origin, attempt } = generation;
  if (before === undefined) {
    log.info('A generation was accepted', { generationId, model, origin }, { Accepted: 1 });
  } else if (hasEnded(generation) && !hasEnded(before)) {
    const { status } = generation;
    const code = generation.status === 'failed' ? generation.error.code : undefined;
    const taskId = generation.task?.id;
    log.info(
      'A generation ended',
      { generationId, model, origin, attempt, status, code, taskId },
      measure(generation),
    );
  }
}

function measure(generation: Ending): Measurements {
  const cost = generation.costUsd === undefined ? {} : { CostUsd: generation.costUsd };
  switch (generation.status) {
    case 'succeeded': {
      // Measure this attempt alone: a person may retry days later.
      const beganAt = generation.pastAttempts.at(-1)?.endedAt ?? generation.createdAt;
      const seconds = (Date.parse(generation.endedAt) - Date.parse(beganAt)) / 1_000;
      return { Succeeded: 1, TimeToResult: seconds, ...cost };
    }
    case 'failed':
      return {
        Failed: 1,
        ...cost,
        ...(generation.error.code === 'insufficient_balance' && { InsufficientBalance: 1 }),
      };
    case 'cancelled':
      return { Cancelled: 1, ...cost };
  }
}

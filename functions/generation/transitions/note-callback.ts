import { type Generation, hasEnded } from '../generation.ts';
import type { Moment } from '../time.ts';

//     any state that has not ended ──noteCallback──► the same state, due now

/** Notes the latest signed callback. A callback after the end, or of another attempt, changes nothing. */
export function noteCallback<G extends Generation>(
  generation: G,
  attempt: number,
  taskId: string | undefined,
  { now }: Moment,
): G {
  if (hasEnded(generation) || generation.attempt !== attempt) return generation;
  const hint = taskId ?? generation.callback?.taskId;
  return {
    ...generation,
    callback: { seenAt: now, ...(hint !== undefined && { taskId: hint }) },
    dueAt: now,
  };
}

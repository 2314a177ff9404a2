import type { GenerationError } from '../errors.ts';
import type { Failed, Queued } from '../generation.ts';
import { after, type Moment } from '../time.ts';
import { endOf, withAnnouncement } from './parts.ts';

//     accept ──► queued ──failAtOnce──► failed

export function accept(
  given: Pick<Queued, 'id' | 'deployment' | 'origin' | 'model' | 'requestHash' | 'outputFolder'>,
  { now, durations }: Moment,
): Queued {
  return {
    version: 1,
    revision: 1,
    ...given,
    status: 'queued',
    waiting: false,
    attempt: 1,
    createdAt: now,
    updatedAt: now,
    // The function invokes `submit` at once. `reconcile` looks then in case that invocation is lost.
    dueAt: after(now, durations.retry),
    looks: 0,
    announcements: [],
    pastAttempts: [],
  };
}

/** Ends a generation that became impossible between its validation and its acceptance. */
export const failAtOnce = (generation: Queued, error: GenerationError, moment: Moment): Failed =>
  withAnnouncement({ ...endOf(generation, {}, moment), status: 'failed', error }, 'Failed', moment.now);

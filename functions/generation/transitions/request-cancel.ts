import { type Generation, hasEnded } from '../generation.ts';
import type { Moment } from '../time.ts';
import { endOf, withAnnouncement } from './parts.ts';

//     queued ──requestCancel──► cancelled
//
//     submitting, running, collecting ──requestCancel──► the same state, due now

/** Requests cancellation. A queued generation ends at once. A task is asked to stop, and its end decides. */
export function requestCancel(generation: Generation, moment: Moment): Generation {
  if (hasEnded(generation) || generation.cancelRequestedAt !== undefined) return generation;
  const requested = { ...generation, cancelRequestedAt: moment.now, dueAt: moment.now };
  if (requested.status !== 'queued') return requested;
  return withAnnouncement({ ...endOf(requested, {}, moment), status: 'cancelled' }, 'Cancelled', moment.now);
}

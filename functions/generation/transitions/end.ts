import type { GenerationError } from '../errors.ts';
import type { Cancelled, Collecting, Failed, Submitting, Succeeded } from '../generation.ts';
import type { Moment } from '../time.ts';
import { type Account, endOf, withAnnouncement } from './parts.ts';

//     collecting ──succeed──► succeeded
//
//     submitting ─┬──fail────► failed
//     collecting ─┴──cancel──► cancelled

export const succeed = (generation: Collecting, account: Account, moment: Moment): Succeeded =>
  withAnnouncement({ ...endOf(generation, account, moment), status: 'succeeded' }, 'Succeeded', moment.now);

export const fail = (
  generation: Submitting | Collecting,
  error: GenerationError,
  account: Account,
  moment: Moment,
): Failed =>
  withAnnouncement({ ...endOf(generation, account, moment), status: 'failed', error }, 'Failed', moment.now);

export const cancel = (generation: Submitting | Collecting, account: Account, moment: Moment): Cancelled =>
  withAnnouncement({ ...endOf(generation, account, moment), status: 'cancelled' }, 'Cancelled', moment.now);

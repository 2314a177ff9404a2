import { RequestError } from '../generation/errors.ts';
import type { Timestamp } from '../generation/time.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { DailyLimit } from '../store/daily-limit.ts';

export interface CountDeps {
  /** @default - no limit: nothing is counted or written */
  readonly dailyLimit?: DailyLimit | undefined;
}

/** No more new generations today. Nothing was stored, run or charged. */
export class DailyLimitError extends RequestError {
  readonly opensAt: Timestamp;

  constructor(
    count: number,
    full: { readonly limit: number; readonly left: number; readonly opensAt: Timestamp },
  ) {
    const { limit, left, opensAt } = full;
    const rule = `This deployment accepts ${limit} new ${limit === 1 ? 'generation' : 'generations'} a day (UTC)`;
    const remedy =
      count === 1
        ? `and today's are used up: try again after ${opensAt}.`
        : count > limit
          ? `and this asks for ${count}: split it over several days.`
          : `${left} are left today, and this asks for ${count}: try again after ${opensAt}, or split it.`;
    super('daily_limit_reached', `${rule}, ${remedy}`, undefined, count <= limit);
    this.opensAt = opensAt;
  }
}

/**
 * Checks whether one more generation would be counted. Counts nothing.
 * @throws {DailyLimitError} If there is no room for it.
 */
export async function requireRoom({ dailyLimit }: CountDeps): Promise<void> {
  const full = await dailyLimit?.find(1);
  if (full !== undefined) throw new DailyLimitError(1, full);
}

/**
 * Counts several generations that are accepted together, all or none.
 * @param name - Names this group. Repeating the call on the same day counts the group once.
 * @throws {DailyLimitError} If there is not room for all of them.
 */
export async function countTogether({ dailyLimit }: CountDeps, count: number, name: string): Promise<void> {
  if (dailyLimit === undefined || count === 0) return;
  const counted = await dailyLimit.count(count, name);
  if (counted.kind === 'full') throw new DailyLimitError(count, counted);
}

/**
 * Counts one new generation, then makes it. The count is given back only if `make` certainly made no new one:
 *
 *     make returns a new one               the count stays
 *     make returns one that existed        given back: that one was counted when it was made
 *     make throws a RequestError           given back: nothing was made
 *     make throws anything else            the count stays: one may have been made
 *
 * @param isNew - Whether the returned one may be new. If that is uncertain, `true`.
 * @throws {DailyLimitError} Before anything is made.
 */
export async function countAndMake<Made>(
  { dailyLimit }: CountDeps,
  make: () => Promise<Made>,
  isNew: (made: Made) => boolean = () => true,
): Promise<Made> {
  if (dailyLimit === undefined) return make();
  const counted = await dailyLimit.count(1);
  if (counted.kind === 'full') throw new DailyLimitError(1, counted);
  const giveBack = () =>
    dailyLimit.giveBack(counted).catch(logIgnored('today accepts one generation less, and no harm is done'));
  try {
    const made = await make();
    if (!isNew(made)) await giveBack();
    return made;
  } catch (error) {
    if (error instanceof RequestError) await giveBack();
    throw error;
  }
}

import { RequestError } from '../generation/errors.ts';
import type { Timestamp } from '../generation/time.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { DailyLimit } from '../store/daily-limit.ts';

export interface CountDeps {
  /** @default - as many as come: nothing is counted, nothing is written */
  readonly dailyLimit?: DailyLimit | undefined;
}

/** No more new generations today; nothing was stored, run or charged. */
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
 * Counts several new ones that are accepted together, all or none.
 * @param name - Under which they are counted once, however often this is repeated on one day.
 * @throws {DailyLimitError}
 */
export async function countTogether({ dailyLimit }: CountDeps, count: number, name: string): Promise<void> {
  if (dailyLimit === undefined || count === 0) return;
  const taken = await dailyLimit.take(count, name);
  if (taken.kind === 'full') throw new DailyLimitError(count, taken);
}

/**
 * Counts one, then makes it; takes the count back where it certainly did not become a new one.
 * @param isNew - Whether what was made may be new. When `make` fails unexpectedly it may be, too: the count stays.
 * @throws {DailyLimitError} Before anything is made.
 */
export async function countAndMake<Made>(
  { dailyLimit }: CountDeps,
  make: () => Promise<Made>,
  isNew: (made: Made) => boolean = () => true,
): Promise<Made> {
  if (dailyLimit === undefined) return make();
  const taken = await dailyLimit.take(1);
  if (taken.kind === 'full') throw new DailyLimitError(1, taken);
  const giveBack = () =>
    dailyLimit.giveBack(taken).catch(logIgnored('the limit is reached one earlier today, and no more'));
  try {
    const made = await make();
    if (!isNew(made)) await giveBack();
    return made;
  } catch (error) {
    if (error instanceof RequestError) await giveBack();
    throw error;
  }
}

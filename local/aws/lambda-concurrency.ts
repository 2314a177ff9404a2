import type { HostedFunction } from './lambda-types.ts';

/** A function, and how much of its concurrency is used. */
export interface CountedFunction {
  readonly fn: Pick<HostedFunction, 'reservedConcurrency'>;
  /** The number of invocations that are running or waiting for an environment. */
  readonly inFlight: number;
}

/** The account's concurrency, of which functions may reserve a part. */
export interface Concurrency {
  /** Whether the limit allows no further invocation now. */
  isFull(one: CountedFunction): boolean;
  /** Counts a synchronous request. @returns Whether it exceeds the limit per second. */
  exceedsRate(one: CountedFunction): boolean;
}

/** Lambda allows this many synchronous requests per second for each unit of concurrency. */
const REQUESTS_PER_SECOND = 10;

/** @param all - Every function of the account, as it stands when a limit is asked for. */
export function createConcurrency(
  all: () => Iterable<CountedFunction>,
  { total, now }: { readonly total: number; readonly now: () => number },
): Concurrency {
  /** The start times of the last second's synchronous requests, by the limit that they count towards. */
  const starts = new Map<CountedFunction | 'unreserved', number[]>();

  const unreserved = () => total - sum([...all()].map(({ fn }) => fn.reservedConcurrency ?? 0));

  return {
    isFull: ({ fn, inFlight }) => {
      if (fn.reservedConcurrency !== undefined) return inFlight >= fn.reservedConcurrency;
      const sharing = [...all()].filter((one) => one.fn.reservedConcurrency === undefined);
      return sum(sharing.map((one) => one.inFlight)) >= unreserved();
    },

    exceedsRate: (one) => {
      const { reservedConcurrency } = one.fn;
      const limit = (reservedConcurrency ?? unreserved()) * REQUESTS_PER_SECOND;
      if (!Number.isFinite(limit)) return false;
      const limited = reservedConcurrency === undefined ? 'unreserved' : one;
      const recent = (starts.get(limited) ?? []).filter((at) => at > now() - 1_000);
      const isExceeded = recent.length >= limit;
      starts.set(limited, isExceeded ? recent : [...recent, now()]);
      return isExceeded;
    },
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

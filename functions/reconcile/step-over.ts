import { after, backOff, type Timestamp } from '../generation/time.ts';

/**
 * Remembers which generations a look at threw for, so that they are stepped over for a while. It cannot be written
 * down with them: what this release cannot read, it cannot write either. Kept by the function's environment, which
 * mostly serves one run after the other; where it is forgotten they are looked at once more, which does no harm.
 */
export interface StepOver {
  isSteppedOver(id: string, now: Timestamp): boolean;
  /** Looking at it threw: it is stepped over, longer each time. */
  threw(id: string, now: Timestamp): void;
  /** It can be looked at again. */
  worked(id: string): void;
}

/** Some 10 MB of memory. */
const MOST_REMEMBERED = 50_000;

/** @param first - How long one is stepped over at first, in milliseconds; doubles up to `longest`. */
export function createStepOver(
  { first, longest }: { readonly first: number; readonly longest: number },
  most = MOST_REMEMBERED,
): StepOver {
  const remembered = new Map<string, { readonly count: number; readonly until: Timestamp }>();
  return {
    isSteppedOver: (id, now) => (remembered.get(id)?.until ?? '') > now,
    threw(id, now) {
      const count = remembered.get(id)?.count ?? 0;
      remembered.delete(id);
      remembered.set(id, { count: count + 1, until: after(now, backOff(count, first, longest)) });
      if (remembered.size <= most) return;
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    },
    worked(id) {
      remembered.delete(id);
    },
  };
}

import { after, backOff, type Timestamp } from '../generation/time.ts';

/**
 * Remembers generations whose look threw an error. They are skipped for a while. This is not stored with them, because
 * this release cannot write a generation that it cannot read. The function's environment keeps it, and usually serves one
 * run after the other. After a new start each generation is looked at once more, which does no harm.
 */
export interface StepOver {
  isSteppedOver(id: string, now: Timestamp): boolean;
  /** Notes that a look threw an error. The generation is skipped, longer each time. */
  noteFailure(id: string, now: Timestamp): void;
  /** Notes that a look worked. The generation is not skipped any more. */
  noteSuccess(id: string): void;
}

/** About 10 MB of memory. */
const MOST_REMEMBERED = 50_000;

/** @param first - How long a generation is skipped at first, in milliseconds. Doubles up to `longest`. */
export function createStepOver(
  { first, longest }: { readonly first: number; readonly longest: number },
  most = MOST_REMEMBERED,
): StepOver {
  const remembered = new Map<string, { readonly count: number; readonly until: Timestamp }>();
  return {
    isSteppedOver: (id, now) => (remembered.get(id)?.until ?? '') > now,
    noteFailure(id, now) {
      const count = remembered.get(id)?.count ?? 0;
      remembered.delete(id);
      remembered.set(id, { count: count + 1, until: after(now, backOff(count, first, longest)) });
      if (remembered.size <= most) return;
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    },
    noteSuccess(id) {
      remembered.delete(id);
    },
  };
}

import type { Timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { allOf, anyOf } from './conditions.ts';
import {
  type GateItem,
  HAS_LIMIT,
  HAS_NO_LIMIT,
  hasAtMost,
  IS_OPEN,
  MOST_TRACKED,
  MOST_UNANSWERED,
} from './gate-item.ts';

interface GateRoomDeps {
  readonly durations: Durations;
  /** The most tasks of ours at once. */
  readonly maximum: number;
  readonly now: () => Timestamp;
  readonly ago: (milliseconds: number) => Timestamp;
}

/** What a gate that was read has room for. */
export function createGateRoom({ durations, maximum, now, ago }: GateRoomDeps) {
  const isBounded = Number.isFinite(maximum);

  const hasLimit = (gate: GateItem) =>
    gate.limit !== undefined &&
    gate.limitSeenAt !== undefined &&
    gate.limitSeenAt > ago(durations.limitForget);
  const isProbeDue = (gate: GateItem) =>
    (gate.probedAt ?? gate.limitSeenAt ?? '') <= ago(durations.limitProbe);
  const isPaused = ({ pausedUntil, slots }: GateItem) =>
    pausedUntil !== undefined && pausedUntil > now() && slots.size > 0;

  /** How many may pass now. A probe is one more than the limit allows. */
  function room(gate: GateItem): { readonly free: number; readonly isProbe: boolean } {
    const allowed = maximum - gate.slots.size;
    if (isPaused(gate) || allowed <= 0) return { free: 0, isProbe: false };
    if (!hasLimit(gate))
      return { free: Math.min(MOST_UNANSWERED - gate.unanswered.size, allowed), isProbe: false };
    const free = (gate.limit ?? 0) - gate.slots.size;
    // If more than the limit run already, Wiro is certain to refuse one more.
    const isProbe = free === 0 && isProbeDue(gate);
    return { free: isProbe ? 1 : Math.min(free, allowed), isProbe };
  }

  const isAwaited = (gate: GateItem) => gate.waitingSince !== undefined && room(gate).free > 0;

  /** Whether no more slots are counted. */
  const isCountFull = (gate: GateItem) => !isBounded && !hasLimit(gate) && gate.slots.size >= MOST_TRACKED;

  /** Parts of a write that gives slots to all of `ids`, on condition that there still is room for all of them. */
  function grant(gate: GateItem, ids: readonly string[]) {
    const { isProbe } = room(gate);
    const isWithinMaximum = isBounded ? [anyOf(hasAtMost('slots', ':mostHeld'))] : [];
    const values = {
      ':ids': new Set(ids),
      ':now': now(),
      ':forget': ago(durations.limitForget),
      ...(isBounded && { ':mostHeld': maximum - ids.length }),
    };
    if (!hasLimit(gate)) {
      // The account has no limit if so many run. Then only the Runs under way are counted.
      const isTracked = isBounded || gate.slots.size + ids.length <= MOST_TRACKED;
      return {
        isTracked,
        set: [],
        add: isTracked ? 'ADD #slots :ids, #unanswered :ids' : 'ADD #unanswered :ids',
        condition: allOf(
          IS_OPEN,
          ...isWithinMaximum,
          anyOf(HAS_NO_LIMIT),
          anyOf(hasAtMost('unanswered', ':most')),
        ),
        values: { ...values, ':most': MOST_UNANSWERED - ids.length },
      };
    }
    const limit = gate.limit ?? 0;
    // Limits grow with the balance. So one more than the limit is tried now and then. A refusal costs nothing.
    return {
      isTracked: true,
      set: isProbe ? ['#limit = :more', '#probedAt = :now', '#probe = :probe'] : [],
      // The limit bounds the Runs under way, too: they need no count of their own.
      add: 'ADD #slots :ids',
      condition: allOf(
        IS_OPEN,
        ...isWithinMaximum,
        HAS_LIMIT,
        '#limit = :limit',
        anyOf(hasAtMost('slots', ':most')),
      ),
      values: {
        ...values,
        ':limit': limit,
        ':most': limit + (isProbe ? 1 : 0) - ids.length,
        ...(isProbe && { ':more': limit + 1, ':probe': ids[0] }),
      },
    };
  }

  return { isPaused, room, isAwaited, isCountFull, grant };
}

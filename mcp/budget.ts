import type { Price } from '../client/index.ts';

/** Why a price does not fit. */
export type Refusal =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'tooHigh'; readonly usd: number; readonly leftUsd: number };

/** What the prices of all submissions together may come to. An estimate counts in full. */
export interface Budget {
  /**
   * Counts a price before its submission. The same key counts once, however often it is submitted.
   * @returns Why it does not fit; `undefined` if it is counted.
   */
  take(key: string, price: Price): Refusal | undefined;
  /** A generation of this key exists, or may exist: its price stays counted. */
  keep(key: string): void;
  /** One submission of this key ended without a generation. The last one to say so gives the price back. */
  giveBack(key: string): void;
  leftUsd(): number;
}

interface Counted {
  readonly cost: number;
  open: number;
  isKept: boolean;
}

const MICRO = 1_000_000;

/** @param usd - More than 0. */
export function createBudget(usd: number): Budget {
  // Whole millionths, so that ten times 0.1 is 1.
  let left = Math.round(usd * MICRO);
  const counted = new Map<string, Counted>();
  const leftUsd = () => left / MICRO;
  const costOf = (price: Price) => Math.ceil(Math.round((price.usd ?? 0) * MICRO * 1000) / 1000);
  return {
    take(key, price) {
      const before = counted.get(key);
      if (before !== undefined) {
        before.open += 1;
        return undefined;
      }
      if (price.usd === undefined || price.certainty === 'unknown') return { kind: 'unknown' };
      const cost = costOf(price);
      if (cost > left) return { kind: 'tooHigh', usd: price.usd, leftUsd: leftUsd() };
      left -= cost;
      counted.set(key, { cost, open: 1, isKept: false });
      return undefined;
    },
    keep(key) {
      const one = counted.get(key);
      if (one !== undefined) one.isKept = true;
    },
    giveBack(key) {
      const one = counted.get(key);
      if (one === undefined) return;
      one.open -= 1;
      if (one.open > 0 || one.isKept) return;
      counted.delete(key);
      left += one.cost;
    },
    leftUsd,
  };
}

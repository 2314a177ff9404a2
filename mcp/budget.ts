import type { Price } from '../client/index.ts';

/** Why a price does not fit. */
export type Refusal =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'tooHigh'; readonly usd: number; readonly leftUsd: number };

/** What the prices of all submissions together may come to. An estimate counts in full. */
export interface Budget {
  /** Counts a price before its submission. @returns Why it does not fit; `undefined` if it was counted. */
  take(price: Price): Refusal | undefined;
  /** Takes a price back: nothing was accepted, or nothing new. */
  giveBack(price: Price): void;
  leftUsd(): number;
}

const MICRO = 1_000_000;

/** @param usd - More than 0. */
export function createBudget(usd: number): Budget {
  // Whole millionths, so that ten times 0.1 is 1.
  let left = Math.round(usd * MICRO);
  const leftUsd = () => left / MICRO;
  const cost = (price: Price) => Math.ceil(Math.round((price.usd ?? 0) * MICRO * 1000) / 1000);
  return {
    take(price) {
      if (price.usd === undefined || price.certainty === 'unknown') return { kind: 'unknown' };
      if (cost(price) > left) return { kind: 'tooHigh', usd: price.usd, leftUsd: leftUsd() };
      left -= cost(price);
      return undefined;
    },
    giveBack: (price) => {
      left += cost(price);
    },
    leftUsd,
  };
}

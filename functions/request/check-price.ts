import { RequestError } from '../generation/errors.ts';
import type { Warning } from './accepted-request.ts';
import type { Price } from './price.ts';

/**
 * Compares a price with what a request may cost.
 * @returns A warning if the price may be higher.
 * @throws {RequestError} `price_too_high` if it is known to be higher.
 */
export function checkPrice(price: Price, maxCostUsd: number | undefined, path = ''): Warning | undefined {
  if (maxCostUsd === undefined) return undefined;
  const field = `${path}maxCostUsd`;
  const limit = `${field} is ${showUsd(maxCostUsd)} USD`;
  if (price.certainty === 'unknown')
    return {
      code: 'price_unknown',
      message: `${limit}, but the price is not known beforehand: ${price.note}.`,
      field,
    };
  if (price.usd <= maxCostUsd) return undefined;
  if (price.certainty === 'estimate')
    return {
      code: 'price_may_be_higher',
      message: `${limit}, but the price is estimated at ${showUsd(price.usd)} USD: ${price.note}.`,
      field,
    };
  throw new RequestError(
    'price_too_high',
    `${limit}, but this costs ${showUsd(price.usd)} USD: raise the limit, or change what the price depends on.`,
    field,
  );
}

/** Without an exponent: `1e-7` is no price. */
const showUsd = (usd: number): string => (usd >= 1e21 ? String(usd) : usd.toFixed(12).replace(/\.?0+$/, ''));

import type { Price } from '../../../client/index.ts';
import { formatUsd } from '../ui/format.ts';

/** What a run costs, as far as it can be told. */
export function PriceText({ price: { certainty, usd, note } }: { readonly price: Price }) {
  if (usd === undefined)
    return (
      <span class="price" title={note}>
        price is unknown
      </span>
    );
  return (
    <span class="price" title={note}>
      {certainty === 'exact' ? '' : 'about '}
      {formatUsd(usd)}
    </span>
  );
}

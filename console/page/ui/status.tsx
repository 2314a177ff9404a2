import type { Status } from '../../../client/index.ts';

/** A status, told by its word; the color only helps. */
export function StatusBadge({ status }: { readonly status: Status }) {
  return <span class={`badge ${status}`}>{status}</span>;
}

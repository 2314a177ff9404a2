/** Median and 99th percentile of what was measured, in milliseconds. */
export function quantiles(durationsMs: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = durationsMs.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

import type { DrainResult } from './drain-run.ts';

const HEIGHT = 10;

/** Plots the used share of the limit over time, one column per slice. */
export function plotUtilisation({ utilisation, elapsedMs }: DrainResult): string {
  const rows = Array.from({ length: HEIGHT }, (_, row) => {
    const from = (HEIGHT - row - 0.5) / HEIGHT;
    const label = `${Math.round(((HEIGHT - row) / HEIGHT) * 100)} %`.padStart(6);
    return `${label} ${utilisation.map((share) => (share >= from ? '█' : ' ')).join('')}`.trimEnd();
  });
  const seconds = `${(elapsedMs / 1_000).toFixed(0)} s`;
  return [...rows, `       0${seconds.padStart(utilisation.length - 1)}`].join('\n');
}

import type { Size } from './backdrop.ts';
import { ADVANCE, pathOf, ROWS } from './bitmap-font.ts';
import type { Place } from './portrait.ts';

export interface LabelOptions {
  readonly size: Size;
  readonly model: string;
  readonly sample: number;
  /** Where the inputs are shown, in their order. */
  readonly places: readonly Place[];
}

/**
 * Draws what keeps the picture from passing for the model's: "SIMULATED", the model, and a number on each input.
 * @returns Elements for an SVG of the picture's size.
 */
export function drawLabel({ size: { width, height }, model, sample, places }: LabelOptions): string {
  const dot = Math.max(2, Math.round(Math.min(width / 256, height / 192)));
  const small = Math.max(1, Math.floor(dot / 2));
  const margin = 3 * dot;
  const facts = `INPUTS ${places.length}, SAMPLE ${sample + 1}, NOT MADE BY ${model}`;
  const factsTop = margin + (ROWS + 2) * dot;
  const bandHeight = factsTop + ROWS * small + margin;
  const tags = places.map(({ left, top }, index) => {
    const [x, y] = [left + 4 * dot, Math.max(top, bandHeight) + 2 * dot];
    const text = `INPUT ${index + 1}`;
    return {
      box: `<rect x="${x}" y="${y}" width="${(text.length * ADVANCE + 3) * small}" height="${(ROWS + 4) * small}"/>`,
      path: pathOf(text, x + 2 * small, y + 2 * small, small),
    };
  });
  const paths = [
    pathOf('SIMULATED', margin, margin, dot),
    pathOf(facts.slice(0, Math.floor((width - margin) / (ADVANCE * small))), margin, factsTop, small),
    ...tags.map(({ path }) => path),
  ];
  return `<g fill-opacity="0.72" shape-rendering="crispEdges"><rect width="100%" height="${bandHeight}"/>${tags.map(({ box }) => box).join('')}</g>
    <path fill="#fff" shape-rendering="crispEdges" d="${paths.join('')}"/>`;
}

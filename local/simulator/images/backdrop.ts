import type { Palette } from './palette.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Draws a landscape as SVG: sky, a low sun, lights and three ridges of hills. */
export function drawBackdrop({ width, height }: Size, palette: Palette, random: () => number): string {
  const sunX = width * (0.3 + random() * 0.4);
  const sunY = height * (0.16 + random() * 0.2);
  const lights = Array.from({ length: 26 }, () => {
    const radius = height * (0.004 + random() * 0.018);
    const opacity = (0.08 + random() * 0.22).toFixed(2);
    return `<circle cx="${px(random() * width)}" cy="${px(random() * height * 0.7)}" r="${px(radius)}" fill="${palette.glow}" opacity="${opacity}"/>`;
  });
  const ridges = palette.hills.map((colour, nearness) => {
    const base = height * (0.52 + nearness * 0.15);
    return `<path d="${ridge(width, height, base, height * (0.13 - nearness * 0.025), random)}" fill="${colour}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs>
      <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stop-color="${palette.skyTop}"/><stop offset="0.75" stop-color="${palette.skyBottom}"/>
      </linearGradient>
      <radialGradient id="glow">
        <stop offset="0" stop-color="${palette.glow}"/><stop offset="0.16" stop-color="${palette.glow}" stop-opacity="0.75"/>
        <stop offset="1" stop-color="${palette.glow}" stop-opacity="0"/>
      </radialGradient>
    </defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>
    <circle cx="${px(sunX)}" cy="${px(sunY)}" r="${px(height * 0.42)}" fill="url(#glow)"/>
    ${lights.join('')}${ridges.join('')}
  </svg>`;
}

/** Draws a closed outline with an upper edge that varies around `base`. */
function ridge(width: number, height: number, base: number, swing: number, random: () => number): string {
  const steps = 6;
  const tops = Array.from({ length: steps + 1 }, (_, step) => ({
    x: (width * step) / steps,
    y: base + (random() - 0.5) * 2 * swing,
  }));
  const curve = tops.slice(1).map(({ x, y }, index) => {
    const before = tops[index] ?? { x: 0, y: base };
    const middle = (before.x + x) / 2;
    return `C ${px(middle)} ${px(before.y)} ${px(middle)} ${px(y)} ${px(x)} ${px(y)}`;
  });
  return `M 0 ${px(tops[0]?.y ?? base)} ${curve.join(' ')} L ${width} ${height} L 0 ${height} Z`;
}

function px(value: number): string {
  return value.toFixed(1);
}

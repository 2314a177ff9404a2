/** The colours of one scene. */
export interface Palette {
  readonly skyTop: string;
  readonly skyBottom: string;
  readonly glow: string;
  /** From the farthest to the nearest. */
  readonly hills: readonly [string, string, string];
  readonly light: string;
  readonly shade: string;
}

/** Draws matching colours from a generator: a sky, its complement as light, and darkening hills. */
export function drawPalette(random: () => number): Palette {
  const hue = Math.floor(random() * 360);
  const warm = (hue + 150 + random() * 60) % 360;
  const hsl = (h: number, s: number, l: number) => `hsl(${h.toFixed(0)}, ${s}%, ${l}%)`;
  return {
    skyTop: hsl(hue, 55, 24),
    skyBottom: hsl((hue + 25) % 360, 62, 72),
    glow: hsl(warm, 95, 84),
    hills: [hsl(hue, 34, 46), hsl(hue, 36, 32), hsl(hue, 40, 19)],
    light: hsl(warm, 85, 62),
    shade: hsl(hue, 70, 30),
  };
}

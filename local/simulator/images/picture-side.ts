const LIMITS = { min: 256, max: 1536 };

/** Keeps a side of a picture within limits. */
export const pictureSide = (pixels: number): number =>
  Math.round(Math.min(LIMITS.max, Math.max(LIMITS.min, pixels)));

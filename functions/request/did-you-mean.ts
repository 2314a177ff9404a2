/** Longer names are not compared: a comparison costs the product of both lengths. */
const LONGEST_NAME = 64;
const MOST_CANDIDATES = 500;

/**
 * Finds the candidate that a misspelled name most likely means.
 * @returns `undefined` when none is close: at most a third of the letters differ.
 */
export function findClosest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length === 0 || name.length > LONGEST_NAME) return undefined;
  const wanted = fold(name);
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates.slice(0, MOST_CANDIDATES)) {
    if (candidate.length > LONGEST_NAME) continue;
    const shape = fold(candidate);
    const most = Math.floor(Math.max(wanted.length, candidate.length) / 3);
    // It is at least the difference of the lengths.
    if (Math.abs(shape.length - wanted.length) > most) continue;
    const distance = editDistance(wanted, shape, most);
    if (distance <= most && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** ` Did you mean "x"?`, or nothing. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const closest = findClosest(name, candidates);
  return closest === undefined ? '' : ` Did you mean "${closest}"?`;
}

/** `input_image` and `inputImage` are the same name to a person. */
const fold = (name: string): string => name.toLowerCase().replace(/[_\-. ]/g, '');

/**
 * Insertions, deletions, substitutions and swaps of neighbours between two texts.
 * @param most - Of texts that are further apart, it only says so.
 */
function editDistance(a: string, b: string, most: number): number {
  const width = b.length + 1;
  let beforeLast = new Uint8Array(width);
  let last = Uint8Array.from({ length: width }, (_, index) => index);
  let current = new Uint8Array(width);
  let leastBefore = 0;
  for (let row = 1; row <= a.length; row += 1) {
    current[0] = row;
    let leastOfRow = row;
    for (let column = 1; column < width; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      current[column] = least;
      leastOfRow = Math.min(leastOfRow, least);
    }
    // No way leads from here to fewer: a swap reaches back over one row, for one at the least.
    if (leastOfRow > most && leastBefore >= most) return Number.POSITIVE_INFINITY;
    leastBefore = leastOfRow;
    [beforeLast, last, current] = [last, current, beforeLast];
  }
  return last[b.length] ?? 0;
}

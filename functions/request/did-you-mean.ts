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
    const distance = editDistance(wanted, fold(candidate));
    const isClose = distance * 3 <= Math.max(wanted.length, candidate.length);
    if (isClose && (best === undefined || distance < best.distance)) best = { candidate, distance };
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

/** Insertions, deletions, substitutions and swaps of neighbours between two texts. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

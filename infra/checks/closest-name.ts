/** Returns the entry of `names` closest to a misspelt `name`, or `undefined` if none is close. */
export function closestName(name: string, names: readonly string[]): string | undefined {
  const closest = names
    .map((one) => ({ one, edits: countEdits(name.toLowerCase(), one.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return closest !== undefined && closest.edits <= Math.max(2, name.length / 4) ? closest.one : undefined;
}

/** The Levenshtein distance: insertions, deletions and replacements that turn one text into the other. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries())
      next.push(
        Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row.at(-1) ?? 0;
}

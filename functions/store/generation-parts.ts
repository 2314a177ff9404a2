import type { Generation, Output } from '../generation/generation.ts';
import { type KeptAttempt, MOST_SHOWN } from '../generation/past-attempts.ts';
import type { TaskHint } from '../generation/task-hint.ts';
import { outputsSort, partSort, pastSort } from './generation-item.ts';
import { HINT, toHints } from './task-hints.ts';

// The items beside a generation's state: outputs, past attempts and hints.

export type StoredItem = Readonly<Record<string, unknown>>;
type FindItem = (sort: string) => Promise<StoredItem | undefined>;

/** Finds an item of the generation by its sort key. */
export async function readOutputs(id: string, attempt: number, find: FindItem): Promise<readonly Output[]> {
  const first = await find(outputsSort(attempt));
  if (first === undefined) return [];
  const outputs = JSON.parse(String(first.body)) as Output[];
  for (let part = 2; part <= Number(first.parts ?? 1); part += 1) {
    const next = await find(partSort(attempt, part));
    if (next === undefined) throw new Error(`Cannot read the outputs of ${id}: part ${part} is missing`);
    outputs.push(...(JSON.parse(String(next.body)) as Output[]));
  }
  return outputs;
}

/** Reads the latest past attempts from their items. One that an earlier release listed in the state is read there. */
export async function readPast(
  { attempt, pastAttempts }: Generation,
  find: FindItem,
): Promise<KeptAttempt[]> {
  const listed = new Map(pastAttempts.map((past) => [past.attempt, past]));
  const shown = Math.min(attempt - 1, MOST_SHOWN);
  const attempts = Array.from({ length: shown }, (_, index) => attempt - shown + index);
  const found = await Promise.all(
    attempts.map(async (one) => {
      const kept = await find(pastSort(one));
      return kept === undefined ? listed.get(one) : (JSON.parse(String(kept.body)) as KeptAttempt);
    }),
  );
  return found.filter((past) => past !== undefined);
}

/** Reads the hints of this attempt and the latest ones before it. */
export async function readHints(attempt: number, find: FindItem): Promise<readonly TaskHint[]> {
  const read = Math.min(attempt, MOST_SHOWN + 1);
  const found = await Promise.all(
    Array.from({ length: read }, (_, index) => find(`${HINT}${attempt - index}`)),
  );
  return found.flatMap((hints) => (hints ? toHints(hints) : []));
}

/** DynamoDB allows 400 KB an item. */
const PART_BYTES = 350 * 1024;

/** Splits outputs into JSON arrays, each small enough for an item. */
export function inParts(outputs: readonly Output[]): readonly string[] {
  const parts: string[][] = [[]];
  let sizeBytes = 0;
  for (const text of outputs.map((output) => JSON.stringify(output))) {
    const more = Buffer.byteLength(text) + 1;
    if (sizeBytes > 0 && sizeBytes + more > PART_BYTES) {
      parts.push([]);
      sizeBytes = 0;
    }
    parts.at(-1)?.push(text);
    sizeBytes += more;
  }
  return parts.map((texts) => `[${texts.join(',')}]`);
}

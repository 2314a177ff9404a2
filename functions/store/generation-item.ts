import { type Generation, queueKey } from '../generation/generation.ts';
import type { DueShards } from '../settings.ts';
import { dueShardOf, LINE, partition } from './keys.ts';
import { toCoarseStatus } from './stored-version.ts';
import { TABLE } from './table.ts';

/** The sort key of a generation's state. */
export const STATE = 'state';
export const requestSort = (requestHash: string) => `request#${requestHash}`;
export const outputsSort = (attempt: number) => `outputs#${attempt}`;
export const partSort = (attempt: number, part: number) => `outputs#${attempt}#${part}`;
export const pastSort = (attempt: number) => `past#${attempt}`;

/** Adds the attributes that the indexes need. They are derived with every write. */
export function toItem(generation: Generation, dueShards: DueShards): Record<string, unknown> {
  const { due, waiting, history } = TABLE.indexes;
  const { id, createdAt } = generation;
  return {
    // Like other shards, earlier releases cannot read this.
    ...(dueShards === 1 ? generation : toCoarseStatus({ ...generation })),
    pk: partition(id),
    sk: STATE,
    ...(generation.dueAt !== undefined && { [due.partitionKey]: dueShardOf(id, dueShards) }),
    ...(generation.status === 'queued' &&
      generation.waiting && { [waiting.partitionKey]: LINE, [waiting.sortKey]: queueKey(generation) }),
    [history.partitionKey]: createdAt.slice(0, 7),
    [history.sortKey]: queueKey(generation),
    ...(generation.status === 'failed' && { errorCode: generation.error.code }),
  };
}

export function toGeneration(item: Readonly<Record<string, unknown>>): Generation {
  const { due, waiting, history } = TABLE.indexes;
  const derived = new Set<string>([
    'pk',
    'sk',
    due.partitionKey,
    waiting.partitionKey,
    waiting.sortKey,
    history.partitionKey,
    history.sortKey,
    'errorCode',
  ]);
  // Only this file writes these items, on condition of the revision. So they are read as written.
  return Object.fromEntries(
    Object.entries(item).filter(([name]) => !derived.has(name)),
  ) as unknown as Generation;
}

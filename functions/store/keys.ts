import type { DueShards } from '../settings.ts';

/** The partition of all items of one generation. */
export const partition = (id: string) => `generation#${id}`;

/** The only partition of the index of waiting generations. */
export const LINE = '0';

/** The partitions of the index of due generations. */
export const SHARDS = ['0', '1', '2', '3', '4', '5', '6', '7'] as const;
export const [FIRST_SHARD] = SHARDS;

/** The digits of an id, each five bits of a hash. */
const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567';

/** The shard that a generation is stored in. */
export const dueShardOf = (id: string, shards: DueShards): string =>
  shards === 1 ? FIRST_SHARD : String(Math.max(0, DIGITS.indexOf(id.charAt(0))) % SHARDS.length);

import { generationId } from '../../functions/request/identity.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createDailyLimit } from '../../functions/store/daily-limit.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import type { Overflow } from '../../functions/store/generation-store.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { clockAt, type useTables } from '../store/table-world.ts';

type World = Awaited<ReturnType<ReturnType<typeof useTables>['createWorld']>>;

/** The dependencies of acceptance, over a real table. */
export function acceptWorld(world: World, { limit }: { readonly limit?: number }) {
  const { clock, pass } = clockAt('2026-03-31T21:00:00.000Z');
  const overflow: Overflow = { write: async () => {}, read: async () => '' };
  const depsOver = (table: Table) => ({
    deployment: 'shop',
    rules: { inputBucket: 'photos', furtherBuckets: [] },
    inputs: { head: async () => undefined },
    generations: createGenerationStore(table, { overflow, clock }),
    knownModel: async () => undefined,
    dailyLimit: limit === undefined ? undefined : createDailyLimit(table, { limit, clock }),
    durations: DURATIONS,
    clock,
  });
  return {
    pass,
    deps: depsOver(world.table),
    depsOver,
    /** The count of the day. */
    counted: async () => (await world.item('day#2026-03-31', 'accepted'))?.accepted ?? 0,
    isAccepted: async (id: string) => (await world.item(`generation#${id}`, 'state')) !== undefined,
  };
}

export const requestOf = (key: string) => ({
  model: 'wiro/flux',
  parameters: { prompt: key },
  inputs: {},
  labels: {},
  idempotencyKey: key,
});

export const idOf = (key: string) => generationId('shop', 'api', key);

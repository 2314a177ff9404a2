import type { ScanCommandInput, ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import { type AttributeValue, Command } from '../../functions/aws/dynamodb.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import type { Moment } from '../../functions/generation/time.ts';
import { timestamp } from '../../functions/generation/time.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createDailyLimit } from '../../functions/store/daily-limit.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createGate } from '../../functions/store/gate.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createModelCache } from '../../functions/store/model-cache.ts';
import { createUploadStore } from '../../functions/store/upload-store.ts';

export type StoredItem = Readonly<Record<string, AttributeValue>>;

/** What lies in table and bucket; items as they are on the wire. */
export interface Stored {
  readonly items: readonly StoredItem[];
  /** Requests that the table has no room for, by name. */
  readonly overflow: Readonly<Record<string, string>>;
}

/** The product's own stores over one table, on a clock that stands: what they write is the same every time. */
export function createStoryWorld(table: Table) {
  let nowMs = Date.parse('2026-01-01T12:00:00.000Z');
  const clock = () => new Date(nowMs);
  const overflow = new Map<string, string>();
  const store = createGenerationStore(table, {
    overflow: {
      write: async (name, text) => void overflow.set(name, text),
      read: async (name) => overflow.get(name) ?? '',
    },
    clock,
  });
  const moment = (): Moment => ({ now: timestamp(clock()), durations: DURATIONS });
  return {
    store,
    gate: createGate({ ...table, waiting: store.waiting, durations: DURATIONS, clock }),
    uploads: createUploadStore(table, {
      leaseMs: DURATIONS.markLease,
      keepMs: DURATIONS.uploadReuse,
      clock,
    }),
    models: createModelCache(table, {
      keepMs: DURATIONS.modelCache,
      clockSkewMs: DURATIONS.clockSkew,
      clock,
    }),
    daily: createDailyLimit(table, { limit: 100, clock }),
    moment,
    pass: (seconds: number) => {
      nowMs += seconds * 1_000;
    },
    /** A transition that must be made. */
    async step<G extends Generation>(
      id: string,
      decide: (current: Generation, now: Moment) => G | undefined,
    ): Promise<G> {
      const updated = await store.update(id, (current) => decide(current, moment()));
      if (updated.kind !== 'written')
        throw new Error(`The step was ${updated.kind}: ${JSON.stringify(updated)}`);
      return updated.generation;
    },
    async stored(): Promise<Stored> {
      return { items: await scan(table), overflow: Object.fromEntries(overflow) };
    },
  };
}

export type StoryWorld = ReturnType<typeof createStoryWorld>;

class ScanCommand extends Command<ScanCommandInput, Omit<ScanCommandOutput, '$metadata'>> {
  readonly operation = 'Scan';
}

/** Every item of a table, in the order of their keys. */
export async function scan({ client, tableName }: Table): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: tableName,
        ConsistentRead: true,
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  const keyOf = ({ pk, sk }: StoredItem) => `${pk?.S} ${sk?.S}`;
  return items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

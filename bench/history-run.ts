import { type BatchWriteItemCommandInput, DynamoDBClient as SdkClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { type GenerationList, listGenerations } from '../functions/api/list-generations.ts';
import { Command, DynamoDBClient } from '../functions/aws/dynamodb.ts';
import { signedPost } from '../functions/aws/signed-post.ts';
import type { Generation, Output } from '../functions/generation/generation.ts';
import { generationId } from '../functions/request/identity.ts';
import { DURATIONS } from '../functions/settings.ts';
import type { Table } from '../functions/store/dynamodb.ts';
import { createGenerationStore } from '../functions/store/generation-store.ts';
import { createHistory } from '../functions/store/history.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../local/aws/credentials.ts';
import { startDynamoDb } from '../local/aws/dynamodb.ts';
import { createTable } from '../local/aws/dynamodb-table.ts';
import { EXAMPLES } from '../test/generation/examples.ts';
import { createMemoryTable, type Item } from '../test/store/memory-table.ts';

/** What one page of the list costs. */
export interface PageCost {
  readonly rows: number;
  readonly readUnits: number;
  /** Requests to DynamoDB. */
  readonly requests: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export interface MeasuredTable extends Table {
  /** Requests to DynamoDB so far. */
  requests(): number;
  stop(): Promise<void>;
}

const NEWEST = Date.UTC(2026, 9, 31, 23, 59, 59);
const NOW = new Date(NEWEST + 1_000);
/** So that 100,000 fit into one month: the index has a partition for each. */
const BETWEEN_MS = 20_000;
const REPEATS = 25;
const AT_ONCE = 1_000;
const BATCH = 25;
const BATCHES_AT_ONCE = 4;

/** Starts a table of its own, with its data on disk. */
export async function startTable(dataDir: string): Promise<MeasuredTable> {
  const started = await startDynamoDb({ dataDir });
  const place = { endpoint: started.endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
  let requests = 0;
  const client = new DynamoDBClient({
    ...place,
    post(...given) {
      requests += 1;
      return signedPost(...given);
    },
  });
  const sdk = new SdkClient(place);
  await createTable(sdk, 'generations');
  return {
    client,
    tableName: 'generations',
    requests: () => requests,
    stop: async () => {
      sdk.destroy();
      await started.stop();
    },
  };
}

/** Stores generations as acceptance and the announcing step do, in batches: one by one would take an hour. */
export async function fillTable(table: MeasuredTable, count: number): Promise<void> {
  for (let start = 0; start < count; start += AT_ONCE) {
    const items = new Map<string, Item>();
    const store = createGenerationStore(createMemoryTable(undefined, items));
    for (let place = start; place < Math.min(count, start + AT_ONCE); place += 1)
      await storeOne(store, place);
    await writeItems(table, [...items.values()]);
  }
}

/** @param place - From the newest, which is the same whatever the number of stored generations. */
async function storeOne(store: ReturnType<typeof createGenerationStore>, place: number): Promise<void> {
  const id = generationId('bench', 'api', String(place));
  const createdAt = new Date(NEWEST - place * BETWEEN_MS).toISOString();
  const model = place % 100 === 50 ? 'wiro/rare' : 'wiro/flux';
  const as: Generation = place % 10 === 3 ? EXAMPLES.failed : EXAMPLES.succeeded;
  await store.accept(
    { ...as, id, model, createdAt, revision: 1 },
    {
      model,
      parameters: { prompt: 'A lighthouse in the evening, seen from the sea, with a boat in front of it' },
      inputs: {},
      labels: { order: String(place % 10) },
    },
  );
  if (as.status === 'succeeded')
    await store.putOutputs(id, { attempt: 1, revision: 1, outputs: [output(id)] });
}

const output = (id: string): Output => ({
  name: '0.png',
  bucket: 'wiro-local-outputs',
  key: `outputs/${id}/1/0-0.png`,
  contentType: 'image/png',
  sizeBytes: 1_377_469,
  sha256: 'b52225e4bf2eee38b52225e4bf2eee38b52225e4bf2eee38b52225e4bf2eee38',
});

class BatchWriteItemCommand extends Command<BatchWriteItemCommandInput, object> {
  readonly operation = 'BatchWriteItem';
}

async function writeItems({ client, tableName }: Table, items: readonly Item[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(items.length / BATCH) }, (_, index) =>
    items.slice(index * BATCH, (index + 1) * BATCH),
  );
  const write = async () => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop())
      await client.send(
        new BatchWriteItemCommand({
          RequestItems: {
            [tableName]: batch.map((item) => ({
              PutRequest: { Item: marshall(item, { removeUndefinedValues: true }) },
            })),
          },
        }),
      );
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, write));
}

/**
 * Reads the same page many times through the API's code.
 * @param from - The place, from the newest, that the page begins at.
 */
export async function measurePages(
  table: MeasuredTable,
  { query, from = 0 }: { readonly query: string; readonly from?: number },
): Promise<PageCost> {
  const history = createHistory(table, { read: async () => undefined });
  let readUnits = 0;
  const deps = {
    history: {
      page: async (asked: Parameters<typeof history.page>[0]) => {
        const page = await history.page(asked);
        readUnits = page.readUnits;
        return page;
      },
    },
    // Signs without a request, so it is left out.
    presign: async ({ key }: Output) => ({ url: `https://s3/${key}`, expiresAt: NOW.toISOString() }),
    durations: DURATIONS,
    clock: () => NOW,
  };
  const list = (text: string) => listGenerations(deps, new URLSearchParams(text));
  const asked = from > 0 ? `${query}&to=${new Date(NEWEST - from * BETWEEN_MS + 1).toISOString()}` : query;

  const times: number[] = [];
  const before = table.requests();
  let page: GenerationList | undefined;
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const startedAt = performance.now();
    page = await list(asked);
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return {
    rows: page?.generations.length ?? 0,
    readUnits,
    requests: (table.requests() - before) / REPEATS,
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
    p95Ms: times[Math.ceil(times.length * 0.95) - 1] ?? 0,
  };
}

import { isDeepStrictEqual } from 'node:util';
import { GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { AcceptedRequest } from '../generation/accepted-request.ts';
import {
  type Generation,
  type GenerationOutputs,
  hasEnded,
  type Output,
  queueKey,
} from '../generation/generation.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import { type AttemptNotes, notesSort, partition, toNotes } from './attempt-notes.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { readable, STORED_VERSION } from './stored-version.ts';
import { TABLE } from './table.ts';

/** How an update ended: `written` and `unchanged` both mean that the generation is now as it was decided. */
export type Updated<G extends Generation = Generation> =
  | { readonly kind: 'written' | 'unchanged'; readonly generation: G }
  /** The transition is not to be made; `generation` is what stands. */
  | { readonly kind: 'refused'; readonly generation: Generation }
  | { readonly kind: 'missing' };

/** A generation with its request and the outputs of its current attempt. */
export interface WholeGeneration {
  readonly generation: Generation;
  readonly request: AcceptedRequest;
  readonly outputs: readonly Output[];
  /** Of the current attempt. */
  readonly notes: AttemptNotes;
}

/** Requests over 64 KB lie in S3, by a name that is used once. */
export interface Overflow {
  write(name: string, text: string): Promise<void>;
  read(name: string): Promise<string>;
}

/** Every reading and update throws a `NewerVersionError` for what a newer release wrote, and leaves it as it is. */
export interface GenerationStore {
  /**
   * Stores a new generation, unless one with its id stands already.
   * @returns What stands now: the given one, or the earlier one.
   */
  accept(generation: Generation, request: AcceptedRequest): Promise<Generation>;
  get(id: string): Promise<Generation | undefined>;
  request(generation: Generation): Promise<AcceptedRequest>;
  whole(id: string): Promise<WholeGeneration | undefined>;
  /**
   * Makes one transition: reads, decides, and writes on condition that nothing changed in between; if something
   * did, decides again on what stands.
   * @param known - The id, or the generation as it was last read or written: then it is read only if it has changed
   *   since, or if the transition is not to be made.
   */
  update<G extends Generation>(
    known: string | Generation,
    decide: (current: Generation) => G | undefined,
  ): Promise<Updated<G>>;
  /**
   * Of one attempt; repeating it replaces. Written before the transition that makes them count.
   * @returns Whether they stand: not where a later claim has put its own.
   */
  putOutputs(id: string, outputs: GenerationOutputs): Promise<boolean>;
  /** Ids of what was due by `now`, longest due first: nominations, to be decided on the items. */
  due(now: Timestamp, limit: number): Promise<readonly string[]>;
  /**
   * Who waits for a slot at the gate, oldest first; as far as the index knows.
   * @param from - A `queueKey`; older ones are left out.
   */
  waiting(
    limit: number,
    from?: string,
  ): Promise<readonly { readonly id: string; readonly queueKey: string }[]>;
}

const OVERFLOW_BYTES = 64 * 1024;
const STATE = 'state';
const SHARD = '0';

export function createGenerationStore(
  { client, tableName }: Table,
  {
    overflow,
    clock = () => new Date(),
    onChange = () => {},
  }: {
    readonly overflow?: Overflow;
    readonly clock?: Clock;
    /** Told of every change that stands, and of what stood before. */
    readonly onChange?: (generation: Generation, before?: Generation) => void;
  } = {},
): GenerationStore {
  async function get(id: string): Promise<Generation | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: marshall({ pk: partition(id), sk: STATE }),
        ConsistentRead: true,
      }),
    );
    return Item && toGeneration(readable(unmarshall(Item), `the generation ${id}`));
  }

  async function put(
    generation: Generation,
    condition: { readonly revision: number } | 'new',
  ): Promise<boolean> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall(toItem(generation), { removeUndefinedValues: true }),
          ...(condition === 'new'
            ? { ConditionExpression: 'attribute_not_exists(pk)' }
            : {
                ConditionExpression: 'revision = :revision',
                ExpressionAttributeValues: marshall({ ':revision': condition.revision }),
              }),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  const readBody = async (item: Record<string, unknown>): Promise<AcceptedRequest> => {
    const text = typeof item.overflow === 'string' ? await needed(overflow).read(item.overflow) : item.body;
    return JSON.parse(String(text)) as AcceptedRequest;
  };

  return {
    get,

    async accept(generation, request) {
      const { id, requestHash } = generation;
      const body = JSON.stringify(request);
      const isLarge = Buffer.byteLength(body) > OVERFLOW_BYTES;
      const name = `${id}/${requestHash}.json`;
      if (isLarge) await needed(overflow).write(name, body);
      // Named by its hash: of two different requests with one key, each finds its own.
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            pk: partition(id),
            sk: requestSort(requestHash),
            version: STORED_VERSION,
            ...(isLarge ? { overflow: name } : { body }),
          }),
        }),
      );
      if (await put(generation, 'new')) {
        onChange(generation);
        return generation;
      }
      const standing = await get(id);
      if (standing === undefined) throw new Error(`Cannot accept ${id}: it was there and is gone`);
      return standing;
    },

    async request({ id, requestHash }) {
      const { Item } = await client.send(
        new GetItemCommand({
          TableName: tableName,
          Key: marshall({ pk: partition(id), sk: requestSort(requestHash) }),
          ConsistentRead: true,
        }),
      );
      if (Item === undefined) throw new Error(`Cannot read the request of ${id}: its item is not there`);
      return readBody(readable(unmarshall(Item), `the request of ${id}`));
    },

    async whole(id) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: marshall({ ':pk': partition(id) }),
          ConsistentRead: true,
        }),
      );
      const items = new Map(
        Items.map((item) => readable(unmarshall(item), `the items of ${id}`)).map((item) => [
          String(item.sk),
          item,
        ]),
      );
      const state = items.get(STATE);
      if (state === undefined) return undefined;
      const generation = toGeneration(state);
      const request = items.get(requestSort(generation.requestHash));
      if (request === undefined) throw new Error(`Cannot read the request of ${id}: its item is not there`);
      const outputs = hasEnded(generation) ? items.get(outputsSort(generation.attempt)) : undefined;
      return {
        generation,
        request: await readBody(request),
        outputs: outputs === undefined ? [] : (JSON.parse(String(outputs.body)) as Output[]),
        notes: toNotes(items.get(notesSort(generation.attempt))),
      };
    },

    async update<G extends Generation>(
      known: string | Generation,
      decide: (current: Generation) => G | undefined,
    ): Promise<Updated<G>> {
      const [id, seen] = typeof known === 'string' ? [known, undefined] : [known.id, known];
      let isRead = seen === undefined;
      let current = seen ?? (await get(id));
      for (let tries = 0; current !== undefined; tries += 1) {
        const next = decide(current);
        if (!isRead && (next === undefined || next === (current as Generation))) {
          // No write would tell that it has changed since.
          current = await get(id);
          isRead = true;
          continue;
        }
        if (next === undefined) return { kind: 'refused', generation: current };
        if (next === (current as Generation)) return { kind: 'unchanged', generation: next };
        const written: G = { ...next, revision: current.revision + 1, updatedAt: timestamp(clock()) };
        const isPut = await put(written, current);
        const standing: Generation | undefined = isPut ? written : await get(id);
        // The SDK asks again when an answer is lost: then the second try fails on what the first has written.
        if (isPut || isDeepStrictEqual(standing, withoutUndefined(written))) {
          onChange(written, current);
          return { kind: 'written', generation: written };
        }
        current = standing;
        isRead = true;
        if (tries > 2) await jitter(tries);
      }
      return { kind: 'missing' };
    },

    async putOutputs(id, { attempt, revision, outputs }) {
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: marshall({
              pk: partition(id),
              sk: outputsSort(attempt),
              version: STORED_VERSION,
              revision,
              body: JSON.stringify(outputs),
            }),
            // Earlier releases wrote none.
            ConditionExpression: 'attribute_not_exists(revision) OR revision <= :revision',
            ExpressionAttributeValues: marshall({ ':revision': revision }),
          }),
        );
        return true;
      } catch (error) {
        if (isConditionFailed(error)) return false;
        throw error;
      }
    },

    async due(now, limit) {
      const { partitionKey, sortKey } = TABLE.indexes.due;
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: 'due',
          KeyConditionExpression: `${partitionKey} = :shard AND ${sortKey} <= :now`,
          ExpressionAttributeValues: marshall({ ':shard': SHARD, ':now': now }),
          Limit: limit,
        }),
      );
      return Items.map((item) => idOf(unmarshall(item)));
    },

    async waiting(limit, from) {
      const { partitionKey, sortKey } = TABLE.indexes.waiting;
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: 'waiting',
          KeyConditionExpression: `${partitionKey} = :shard${from === undefined ? '' : ` AND ${sortKey} >= :from`}`,
          ExpressionAttributeValues: marshall({
            ':shard': SHARD,
            ...(from !== undefined && { ':from': from }),
          }),
          Limit: limit,
        }),
      );
      return Items.map((item) => unmarshall(item)).map((item) => ({
        id: idOf(item),
        queueKey: String(item[sortKey]),
      }));
    },
  };
}

const requestSort = (requestHash: string) => `request#${requestHash}`;
const outputsSort = (attempt: number) => `outputs#${attempt}`;
const idOf = (item: Record<string, unknown>) => String(item.pk).slice('generation#'.length);

/** The attributes that only the indexes need, derived with every write. */
function toItem(generation: Generation): Record<string, unknown> {
  const { due, waiting, history } = TABLE.indexes;
  const { id, createdAt } = generation;
  return {
    ...generation,
    pk: partition(id),
    sk: STATE,
    ...(generation.dueAt !== undefined && { [due.partitionKey]: SHARD }),
    ...(generation.status === 'queued' &&
      generation.waiting && { [waiting.partitionKey]: SHARD, [waiting.sortKey]: queueKey(generation) }),
    [history.partitionKey]: createdAt.slice(0, 7),
    [history.sortKey]: queueKey(generation),
    ...(generation.status === 'failed' && { errorCode: generation.error.code }),
  };
}

function toGeneration(item: Record<string, unknown>): Generation {
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
  // Only this file writes these items, on condition of the revision: what is read is what was written.
  return Object.fromEntries(
    Object.entries(item).filter(([name]) => !derived.has(name)),
  ) as unknown as Generation;
}

const withoutUndefined = (value: object): unknown => JSON.parse(JSON.stringify(value));

function needed(overflow: Overflow | undefined): Overflow {
  if (overflow === undefined)
    throw new Error('This function was not given the place where large requests lie');
  return overflow;
}

const jitter = (tries: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(5 * 2 ** tries, 200)));

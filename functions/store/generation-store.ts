import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand, QueryCommand } from '../aws/dynamodb.ts';
import { type Generation, type GenerationOutputs, hasEnded, type Output } from '../generation/generation.ts';
import { attemptsToKeep, inBrief, type KeptAttempt } from '../generation/past-attempts.ts';
import type { TaskHint } from '../generation/task-hint.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { AcceptedRequest } from '../request/accepted-request.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { DueShards } from '../settings.ts';
import { type AttemptNotes, notesSort, toNotes } from './attempt-notes.ts';
import { createDueReader, type DueKey, type DuePage } from './due-index.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import {
  outputsSort,
  partSort,
  pastSort,
  requestSort,
  STATE,
  toGeneration,
  toItem,
} from './generation-item.ts';
import { inParts, readHints, readOutputs, readPast, type StoredItem } from './generation-parts.ts';
import { partition } from './keys.ts';
import { readable, STORED_VERSION } from './stored-version.ts';
import { HINT } from './task-hints.ts';
import { countAhead, readLine } from './waiting-line.ts';

/** How an update ended. After `written` and `unchanged` the generation is as it was decided. */
export type Updated<G extends Generation = Generation> =
  | { readonly kind: 'written' | 'unchanged'; readonly generation: G }
  /** `decide` refused the transition; `generation` is what stands. */
  | { readonly kind: 'refused'; readonly generation: Generation }
  | { readonly kind: 'missing' };

/** A generation with its request, the outputs of its current attempt, and the ends of its latest past attempts. */
export interface WholeGeneration {
  readonly generation: Generation;
  /** Empty if it was stored in S3 and was deleted there. */
  readonly request: AcceptedRequest & { readonly isGone?: true };
  readonly outputs: readonly Output[];
  /** When they were stored. Unknown if an earlier release stored them. */
  readonly copiedAt?: Timestamp;
  /** Oldest first, `MOST_SHOWN` at most. */
  readonly pastAttempts: readonly KeptAttempt[];
  /** Of the current attempt. */
  readonly notes: AttemptNotes;
  /** Hints at tasks whose callbacks came after the end of their attempts. */
  readonly hints: readonly TaskHint[];
}

/** Requests over 64 KB, in S3. Each name is used once. */
export interface Overflow {
  write(name: string, text: string): Promise<void>;
  /** Returns `undefined` if it was deleted. */
  read(name: string): Promise<string | undefined>;
}

/** Reads and updates throw a `NewerVersionError` for an item that a newer release wrote, and leave it as it is. */
export interface GenerationStore {
  /**
   * Stores a new generation, unless one with its id exists.
   * @returns The generation that stands now: the given one or the earlier one.
   */
  accept(generation: Generation, request: AcceptedRequest): Promise<Generation>;
  get(id: string): Promise<Generation | undefined>;
  request(generation: Generation): Promise<AcceptedRequest>;
  whole(id: string): Promise<WholeGeneration | undefined>;
  /**
   * Makes one transition: reads, decides, and writes on condition that nothing changed in between. If something did,
   * decides again on what stands.
   * @param from - The id, or the generation as it was last read or written. A generation saves the first read. It is
   *   read all the same if it has changed since, or if `decide` changes nothing.
   * @param decide - Returns the next state, the same object if nothing changes, or `undefined` to refuse.
   */
  update<G extends Generation>(
    from: string | Generation,
    decide: (current: Generation) => G | undefined,
  ): Promise<Updated<G>>;
  /**
   * Stores the outputs of one attempt. A repeat replaces them. They count only once a transition says so.
   * @returns Whether they were stored. If not, a later claim has stored its own.
   */
  putOutputs(id: string, outputs: GenerationOutputs): Promise<boolean>;
  /** Reads the outputs of any attempt. Empty if it has none. */
  outputs(id: string, attempt: number): Promise<readonly Output[]>;
  /**
   * Lists what was due by `now`, longest due first. These are nominations: decide on the items.
   * @param after - The `next` of the page before. Everything before it is skipped, whatever became of it.
   */
  due(now: Timestamp, limit: number, after?: DueKey): Promise<DuePage>;
  /**
   * Lists generations that wait for a slot at the gate, oldest first, as far as the index shows them.
   * @param from - A `queueKey`. Older ones are left out.
   */
  waiting(
    limit: number,
    from?: string,
  ): Promise<readonly { readonly id: string; readonly queueKey: string }[]>;
  /** Counts the generations that wait before this one, as far as the index shows them. Counts up to `most`. */
  ahead(generation: Pick<Generation, 'createdAt' | 'id'>, most: number): Promise<number>;
}

const OVERFLOW_BYTES = 64 * 1024;
/** The first sort key that `whole` reads. Notes, outputs, past attempts, requests and the state follow it. */
const FIRST_OF_WHOLE = HINT;
const KEPT_AT_ONCE = 10;

export function createGenerationStore(
  table: Table,
  {
    overflow,
    clock = () => new Date(),
    onChange = () => {},
    noteChange,
    dueShards = 1,
  }: {
    readonly overflow?: Overflow;
    readonly clock?: Clock;
    /** Called after every change, with the state before it. */
    readonly onChange?: (generation: Generation, before?: Generation) => void;
    /** Stores what an update leaves no trace of. Awaited, and never throws. */
    readonly noteChange?: (before: Generation, generation: Generation) => Promise<void> | void;
    /** How many shards of the index of due generations to write to. */
    readonly dueShards?: DueShards;
  } = {},
): GenerationStore {
  const { client, tableName } = table;

  async function item(id: string, sort: string, what: string): Promise<StoredItem | undefined> {
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: marshall({ pk: partition(id), sk: sort }),
        ConsistentRead: true,
      }),
    );
    return Item && readable(unmarshall(Item), what);
  }

  async function get(id: string): Promise<Generation | undefined> {
    const state = await item(id, STATE, `the generation ${id}`);
    return state && toGeneration(state);
  }

  async function put(
    generation: Generation,
    condition: { readonly revision: number } | 'new',
  ): Promise<boolean> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall(toItem(generation, dueShards), { removeUndefinedValues: true }),
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

  /** @returns Whether it was written. If not, a later revision has written its own. */
  async function putFenced(
    id: string,
    sort: string,
    revision: number,
    content: Readonly<Record<string, unknown>>,
    condition: string,
  ): Promise<boolean> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({ pk: partition(id), sk: sort, version: STORED_VERSION, revision, ...content }),
          ConditionExpression: condition,
          ExpressionAttributeValues: marshall({ ':revision': revision }),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  /**
   * Stores past attempts as items of their own, before the state drops them. A writer that decided on an outdated state
   * has a lower revision, and replaces nothing. An attempt from an earlier release's list has revision 0.
   */
  async function keepAttempts(id: string, current: Generation, next: Generation): Promise<void> {
    await mapLimited(attemptsToKeep(current, next), KEPT_AT_ONCE, (past) =>
      putFenced(
        id,
        pastSort(past.attempt),
        past.attempt === current.attempt ? current.revision : 0,
        { body: JSON.stringify(past) },
        'attribute_not_exists(revision) OR revision < :revision',
      ),
    );
  }

  /**
   * Writes `next` on condition that `current` still stands.
   * @returns What was written, or else what stands instead.
   */
  async function write<G extends Generation>(
    current: Generation,
    next: G,
  ): Promise<{ readonly written?: G; readonly standing?: Generation | undefined }> {
    const { id } = current;
    await keepAttempts(id, current, next);
    const written: G = { ...inBrief(next), revision: current.revision + 1, updatedAt: timestamp(clock()) };
    if (!(await put(written, current))) {
      const standing = await get(id);
      // The SDK repeats a write whose answer was lost. The repeat fails on what the first one has written.
      if (!isDeepStrictEqual(standing, withoutUndefined(written))) return { standing };
    }
    onChange(written, current);
    await noteChange?.(current, written);
    return { written };
  }

  async function putOnce(item: Record<string, unknown>): Promise<void> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall(item),
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  /** Returns `undefined` if the request was stored in S3 and was deleted there. */
  const readBody = async (item: Record<string, unknown>): Promise<AcceptedRequest | undefined> => {
    const text = typeof item.overflow === 'string' ? await needed(overflow).read(item.overflow) : item.body;
    return text === undefined ? undefined : (JSON.parse(String(text)) as AcceptedRequest);
  };

  return {
    get,

    async accept(generation, request) {
      const { id, requestHash } = generation;
      const body = JSON.stringify(request);
      const isLarge = Buffer.byteLength(body) > OVERFLOW_BYTES;
      // Named by its content. So the same request does not overwrite it if its inputs were replaced in between.
      const name = `${id}/${requestHash}-${createHash('sha256').update(body).digest('hex').slice(0, 16)}.json`;
      if (isLarge) await needed(overflow).write(name, body);
      // Named by the request's hash. So two different requests with one key each find their own. Of two equal requests
      // the first stands, with its inputs as they were then: the generation may run with them already.
      await putOnce({
        pk: partition(id),
        sk: requestSort(requestHash),
        version: STORED_VERSION,
        ...(isLarge ? { overflow: name, inBrief: JSON.stringify(inBriefOf(request)) } : { body }),
      });
      if (await put(generation, 'new')) {
        onChange(generation);
        return generation;
      }
      const standing = await get(id);
      if (standing === undefined) throw new Error(`Cannot accept ${id}: it existed, and is gone`);
      return standing;
    },

    async request({ id, requestHash }) {
      const request = await item(id, requestSort(requestHash), `the request of ${id}`);
      if (request === undefined) throw new Error(`Cannot read the request of ${id}: its item is missing`);
      const body = await readBody(request);
      if (body === undefined) throw new Error(`Cannot read the request of ${id}: it was deleted from S3`);
      return body;
    },

    async whole(id) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: tableName,
          // Backwards, because the state is the last item.
          KeyConditionExpression: 'pk = :pk AND sk >= :first',
          ExpressionAttributeValues: marshall({ ':pk': partition(id), ':first': FIRST_OF_WHOLE }),
          ScanIndexForward: false,
          ConsistentRead: true,
        }),
      );
      const items = new Map(
        Items.map((one) => readable(unmarshall(one), `the items of ${id}`)).map((one) => [
          String(one.sk),
          one,
        ]),
      );
      // A query returns one megabyte at most. A generation with very many attempts or outputs has more.
      const find = async (sort: string) =>
        items.get(sort) ?? (LastEvaluatedKey && (await item(id, sort, `the items of ${id}`)));
      const state = items.get(STATE);
      if (state === undefined) return undefined;
      const generation = toGeneration(state);
      const { attempt, requestHash } = generation;
      const request = await find(requestSort(requestHash));
      if (request === undefined) throw new Error(`Cannot read the request of ${id}: its item is missing`);
      const copiedAt = hasEnded(generation) && (await find(outputsSort(attempt)))?.copiedAt;
      return {
        generation,
        request: (await readBody(request)) ?? {
          model: generation.model,
          parameters: {},
          inputs: {},
          labels: {},
          isGone: true,
        },
        outputs: hasEnded(generation) ? await readOutputs(id, attempt, find) : [],
        ...(typeof copiedAt === 'string' && { copiedAt }),
        pastAttempts: await readPast(generation, find),
        notes: toNotes(await find(notesSort(attempt))),
        hints: await readHints(attempt, find),
      };
    },

    async update<G extends Generation>(
      from: string | Generation,
      decide: (current: Generation) => G | undefined,
    ): Promise<Updated<G>> {
      const id = typeof from === 'string' ? from : from.id;
      let current = typeof from === 'string' ? await get(id) : from;
      let isRead = typeof from === 'string';
      for (let tries = 0; current !== undefined; tries += 1) {
        const next = decide(current);
        if (next !== undefined && next !== (current as Generation)) {
          const { written, standing } = await write(current, next);
          if (written !== undefined) return { kind: 'written', generation: written };
          if (tries > 2) await jitter(tries);
          current = standing;
        } else if (isRead) {
          return next === undefined
            ? { kind: 'refused', generation: current }
            : { kind: 'unchanged', generation: next };
        } else {
          // The caller's generation may be out of date, and no write will show that: read it, then decide again.
          current = await get(id);
        }
        isRead = true;
      }
      return { kind: 'missing' };
    },

    async putOutputs(id, { attempt, revision, outputs }) {
      const bodies = inParts(outputs);
      // The first part is written last: it says how many there are. An earlier release reads only this part.
      for (const [index, body] of [...bodies.entries()].reverse()) {
        const isPut = await putFenced(
          id,
          index === 0 ? outputsSort(attempt) : partSort(attempt, index + 1),
          revision,
          {
            body,
            ...(index === 0 && { copiedAt: timestamp(clock()) }),
            ...(index === 0 && bodies.length > 1 && { parts: bodies.length, total: outputs.length }),
          },
          // Earlier releases write no revision.
          'attribute_not_exists(revision) OR revision <= :revision',
        );
        if (!isPut) return false;
      }
      return true;
    },

    outputs: (id, attempt) => readOutputs(id, attempt, (sort) => item(id, sort, `the outputs of ${id}`)),

    due: createDueReader(table, dueShards),

    waiting: (limit, from) => readLine(table, limit, from),

    ahead: (generation, most) => countAhead(table, generation, most),
  };
}

/** What a list shows of a request that lies in S3. */
const inBriefOf = ({ labels, priceUsd }: AcceptedRequest) => ({ labels, priceUsd });

const withoutUndefined = (value: object): unknown => JSON.parse(JSON.stringify(value));

function needed(overflow: Overflow | undefined): Overflow {
  if (overflow === undefined)
    throw new Error('Cannot read or write a large request: this function has no access to their bucket');
  return overflow;
}

const jitter = (tries: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(5 * 2 ** tries, 200)));

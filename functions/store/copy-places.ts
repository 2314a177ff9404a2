import { setTimeout as wait } from 'node:timers/promises';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import { type Generation, idOfQueueKey, queueKey } from '../generation/generation.ts';
import { after, type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/**
 * The generations whose outputs are copied now, in one item: at most `maximum` at once. A place belongs to a generation.
 * So a function that collects a generation after a killed one has the killed one's place. Other generations wait at most
 * until the killed function's time would have ended.
 */
export interface CopyPlaces {
  readonly maximum: number;
  /**
   * Takes a place, or keeps the generation's place, unless a later claim has taken that one.
   * @param generation - As it was claimed.
   * @param holder - Only this holder can give the place back.
   * @param forMs - What is left of the function's time. After that the place is free, whatever happened.
   * @returns Whether the generation has a place now.
   */
  take(
    generation: Pick<Generation, 'createdAt' | 'id' | 'revision'>,
    holder: string,
    forMs: number,
  ): Promise<boolean>;
  /**
   * Puts a generation without a place in line. The caller has let go of its claim, because `leave` may name the generation
   * from now on. The generation must stay due all the same: the line is short, and an older one pushes out the youngest.
   * @returns Whether there is room by now. Then the generation is not in line.
   */
  join(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<boolean>;
  /** Takes a generation out of the line, so that no place is kept for it. */
  leaveLine(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<void>;
  /**
   * Gives the place back, and gives a place to the oldest in line if there is room.
   * @param holder - The holder that took the place. @default - none: `leave` gave it to a generation that needed none
   * @returns The id to collect now. It has its place for a minute.
   */
  leave(id: string, holder?: string): Promise<string | undefined>;
}

interface Place {
  readonly holder: string;
  /** The generation's revision when its holder claimed it. An earlier release does not write it. */
  readonly revision?: number;
  readonly until: Timestamp;
}

interface PlacesItem {
  /** Counts changes of `places`. Joining the line does not change it. */
  readonly revision: number;
  readonly places: Readonly<Record<string, Place>>;
  /** The `queueKey` of every generation that waits for a place. */
  readonly line: ReadonlySet<string>;
}

/** `reconcile` finds further ones. The item stays small. */
const MOST_IN_LINE = 50;
/** A failed write means that another one took or gave back a place. */
const MOST_TRIES = 12;
/** The holder of a place that `leave` has given, until the generation is collected. */
const NO_HOLDER = '';

export function createCopyPlaces(
  { client, tableName }: Table,
  {
    maximum,
    durations,
    clock = () => new Date(),
  }: { readonly maximum: number; readonly durations: Durations; readonly clock?: Clock },
): CopyPlaces {
  const Key = marshall({ pk: 'copies', sk: 'copies' });

  async function read(): Promise<PlacesItem> {
    const { Item = {} } = await client.send(
      new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return toPlaces(Item);
  }

  /** @returns The item after the write; `undefined` if another holder has the place by now. */
  async function giveBack(id: string, holder: string): Promise<PlacesItem | undefined> {
    try {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          // The new revision fails the write of any function that has read the place before.
          UpdateExpression: 'REMOVE #places.#id ADD #revision :one',
          ConditionExpression: '#places.#id.#holder = :holder',
          ExpressionAttributeNames: {
            '#places': 'places',
            '#id': id,
            '#holder': 'holder',
            '#revision': 'revision',
          },
          ExpressionAttributeValues: toValues({ ':one': 1, ':holder': holder }),
          ReturnValues: 'ALL_NEW',
        }),
      );
      return toPlaces(Attributes);
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }

  /** @returns Whether it was written. If not, another one took or gave back a place since `seen`. */
  async function update(
    seen: PlacesItem,
    expression: string,
    values: Readonly<Record<string, unknown>>,
    condition?: string,
  ): Promise<boolean> {
    const names = new Set([...expression.matchAll(/#(\w+)/g)].map(([, name = '']) => name));
    const isUnchanged = seen.revision === 0 ? 'attribute_not_exists(#revision)' : '#revision = :seen';
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          UpdateExpression: expression,
          ConditionExpression: condition === undefined ? isUnchanged : `${isUnchanged} AND (${condition})`,
          ExpressionAttributeNames: Object.fromEntries(
            [...names, 'revision'].map((name) => [`#${name}`, name]),
          ),
          ExpressionAttributeValues: toValues({
            ...values,
            ...(seen.revision > 0 && { ':seen': seen.revision }),
          }),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  /** @param gone - The `queueKey` that leaves the line. */
  const replacePlaces = (seen: PlacesItem, places: PlacesItem['places'], gone: string | undefined) =>
    update(
      seen,
      `SET #places = :places, #revision = :next${gone === undefined ? '' : ' DELETE #line :gone'}`,
      {
        ':places': places,
        ':next': seen.revision + 1,
        ...(gone !== undefined && { ':gone': new Set([gone]) }),
      },
    );

  const others = ({ places }: PlacesItem, id: string) => {
    const now = timestamp(clock());
    return Object.fromEntries(
      Object.entries(places).filter(
        ([one, { until }]) => one !== id && after(until, durations.clockSkew) > now,
      ),
    );
  };

  return {
    maximum,

    async take(generation, holder, forMs) {
      const { id, revision } = generation;
      const mine = queueKey(generation);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const seen = await read();
        const taken = others(seen, id);
        if (Object.keys(taken).length >= maximum) return false;
        // A later claim has the place, and copies.
        if ((seen.places[id]?.revision ?? 0) > revision) return false;
        const until = timestamp(clock().getTime() + forMs);
        const places = { ...taken, [id]: { holder, revision, until } };
        if (await replacePlaces(seen, places, seen.line.has(mine) ? mine : undefined)) return true;
        await pause(tries);
      }
      return false;
    },

    async join(generation) {
      const mine = queueKey(generation);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const seen = await read();
        if (Object.keys(others(seen, generation.id)).length < maximum) return true;
        if (seen.line.has(mine)) return false;
        if (seen.line.size >= MOST_IN_LINE) {
          const youngest = [...seen.line].sort().at(-1) ?? '';
          if (youngest < mine) return false;
          await update(seen, 'DELETE #line :youngest', { ':youngest': new Set([youngest]) });
          continue;
        }
        // This fails if a place was given back since `seen`: that function did not see this generation in line.
        const joining = { ':mine': new Set([mine]), ':most': MOST_IN_LINE };
        const hasRoom = 'attribute_not_exists(#line) OR size(#line) < :most';
        if (await update(seen, 'ADD #line :mine', joining, hasRoom)) return false;
        await pause(tries);
      }
      return false;
    },

    async leaveLine(generation) {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          UpdateExpression: 'DELETE #line :mine',
          ExpressionAttributeNames: { '#line': 'line' },
          ExpressionAttributeValues: toValues({ ':mine': new Set([queueKey(generation)]) }),
        }),
      );
    },

    async leave(id, holder = NO_HOLDER) {
      let seen = await giveBack(id, holder);
      for (let tries = 0; seen !== undefined && tries < MOST_TRIES; tries += 1) {
        const taken = others(seen, id);
        if (Object.keys(taken).length >= maximum) return undefined;
        // One that has a place already would lose it.
        const next = [...seen.line].sort().find((key) => !Object.hasOwn(taken, idOfQueueKey(key)));
        if (next === undefined) return undefined;
        const named = idOfQueueKey(next);
        // It gets the place at once, so that a younger one cannot come before it.
        const until = timestamp(clock().getTime() + durations.lease);
        const places = { ...taken, [named]: { holder: NO_HOLDER, until } };
        if (await replacePlaces(seen, places, next)) return named;
        await pause(tries);
        seen = await read();
      }
      // The next `leave` names the oldest in line, or `reconcile` finds it.
      return undefined;
    },
  };
}

/** Waits longer each time, by a random part, so that concurrent writers do not meet again. */
const pause = (tries: number) => wait(Math.random() * 20 * (tries + 1));

function toPlaces(item: Record<string, AttributeValue>): PlacesItem {
  const { revision = 0, places = {}, line = new Set() } = unmarshall(item);
  return { revision, places, line };
}

function toValues(values: Readonly<Record<string, unknown>>): Record<string, AttributeValue> {
  return marshall(values, { removeUndefinedValues: true });
}

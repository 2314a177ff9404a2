import { type AttributeValue, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Generation, idOfQueueKey, queueKey } from '../generation/generation.ts';
import { after, type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { Durations } from '../settings.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/**
 * Whose outputs are copied now, at most so many at once, as one item. A place belongs to a generation: who collects it
 * after a killed function has that function's place. Nobody else waits for more than the rest of a function's time.
 */
export interface CopyPlaces {
  readonly maximum: number;
  /**
   * Takes a place, or the one that the generation has already.
   * @param holder - Only this one gives the place back.
   * @param forMs - What is left of the function's time: then the place is free, whatever happened.
   * @returns Whether it has a place.
   */
  take(generation: Pick<Generation, 'createdAt' | 'id'>, holder: string, forMs: number): Promise<boolean>;
  /**
   * Joins the line of those that had no place, once nobody works on it: from then on `leave` may name it. It must be due
   * all the same: the line is short.
   * @returns Whether there is room by now, and it is not in line.
   */
  join(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<boolean>;
  /**
   * Gives the place back.
   * @returns Whom to collect now: the oldest in line, if there is room for it.
   */
  leave(id: string, holder: string): Promise<string | undefined>;
}

interface Place {
  readonly holder: string;
  readonly until: Timestamp;
}

interface PlacesItem {
  /** Of the places: it does not count who joins the line. */
  readonly revision: number;
  readonly places: Readonly<Record<string, Place>>;
  /** `queueKey` of those that were turned away. */
  readonly line: ReadonlySet<string>;
}

/** Those after them are found by `reconcile` alone: the item stays small. */
const MOST_IN_LINE = 50;
/** Each loss means that another one took or left a place. */
const MOST_TRIES = 30;

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
    const { revision = 0, places = {}, line = new Set() } = unmarshall(Item);
    return { revision, places, line };
  }

  /** @returns Whether it was written: nobody took or left a place since `seen`. */
  async function update(
    seen: PlacesItem,
    expression: string,
    values: Readonly<Record<string, unknown>>,
  ): Promise<boolean> {
    const names = new Set([...expression.matchAll(/#(\w+)/g)].map(([, name = '']) => name));
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          UpdateExpression: expression,
          ConditionExpression: seen.revision === 0 ? 'attribute_not_exists(#revision)' : '#revision = :seen',
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

  /** @param gone - Who is in line no more. */
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
      const { id } = generation;
      const mine = queueKey(generation);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const seen = await read();
        const taken = others(seen, id);
        if (Object.keys(taken).length >= maximum) return false;
        const until = timestamp(clock().getTime() + forMs);
        const places = { ...taken, [id]: { holder, until } };
        if (await replacePlaces(seen, places, seen.line.has(mine) ? mine : undefined)) return true;
      }
      return false;
    },

    async join(generation) {
      const mine = queueKey(generation);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const seen = await read();
        if (Object.keys(others(seen, generation.id)).length < maximum) return true;
        if (seen.line.has(mine) || seen.line.size >= MOST_IN_LINE) return false;
        // Not if somebody has just left: that one did not see it in line.
        if (await update(seen, 'ADD #line :mine', { ':mine': new Set([mine]) })) return false;
      }
      return false;
    },

    async leave(id, holder) {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const seen = await read();
        if (seen.places[id]?.holder !== holder) return undefined;
        const taken = others(seen, id);
        const next = Object.keys(taken).length < maximum ? [...seen.line].sort()[0] : undefined;
        if (await replacePlaces(seen, taken, next))
          return next === undefined ? undefined : idOfQueueKey(next);
      }
      // It is free when its time is over.
      return undefined;
    },
  };
}

function toValues(values: Readonly<Record<string, unknown>>): Record<string, AttributeValue> {
  return marshall(values, { removeUndefinedValues: true });
}

import { setTimeout as wait } from 'node:timers/promises';
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
   * Takes a place, or the one that the generation has already, unless a later claim took that.
   * @param generation - As it was claimed.
   * @param holder - Only this one gives the place back.
   * @param forMs - What is left of the function's time: then the place is free, whatever happened.
   * @returns Whether it has a place.
   */
  take(
    generation: Pick<Generation, 'createdAt' | 'id' | 'revision'>,
    holder: string,
    forMs: number,
  ): Promise<boolean>;
  /**
   * Joins the line of those that had no place, once nobody works on it: from then on `leave` may name it. It must be due
   * all the same: the line is short, and an older one takes the place of the youngest in it.
   * @returns Whether there is room by now, and it is not in line.
   */
  join(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<boolean>;
  /** Waits no more: nobody is to keep a place for it. */
  leaveLine(generation: Pick<Generation, 'createdAt' | 'id'>): Promise<void>;
  /**
   * Gives the place back, whatever others do meanwhile.
   * @param holder - Who took it. @default - nobody: it was named, and needed none
   * @returns Whom to collect now: the oldest in line, if there is room for it. It has a place, for a minute.
   */
  leave(id: string, holder?: string): Promise<string | undefined>;
}

interface Place {
  readonly holder: string;
  /** Of the generation as its holder has claimed it; an earlier release did not say. */
  readonly revision?: number;
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
const MOST_TRIES = 12;
/** Has the place of one that was named, until that is collected. */
const NOBODY = '';

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

  /** @returns What stands then; `undefined` where the place is another holder's by now. */
  async function giveBack(id: string, holder: string): Promise<PlacesItem | undefined> {
    try {
      const { Attributes = {} } = await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key,
          // Counted, so that nobody writes the place again who has read it before.
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

  /** @returns Whether it was written: nobody took or left a place since `seen`. */
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
      const { id, revision } = generation;
      const mine = queueKey(generation);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const seen = await read();
        const taken = others(seen, id);
        if (Object.keys(taken).length >= maximum) return false;
        // Who has its claim by now copies.
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
        // Not if somebody has just left: that one did not see it in line.
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

    async leave(id, holder = NOBODY) {
      let seen = await giveBack(id, holder);
      for (let tries = 0; seen !== undefined && tries < MOST_TRIES; tries += 1) {
        const taken = others(seen, id);
        if (Object.keys(taken).length >= maximum) return undefined;
        // Not one that has a place already: it would lose it.
        const next = [...seen.line].sort().find((key) => !Object.hasOwn(taken, idOfQueueKey(key)));
        if (next === undefined) return undefined;
        const named = idOfQueueKey(next);
        // Those who have just come do not get before it.
        const until = timestamp(clock().getTime() + durations.lease);
        const places = { ...taken, [named]: { holder: NOBODY, until } };
        if (await replacePlaces(seen, places, next)) return named;
        await pause(tries);
        seen = await read();
      }
      // Whoever leaves next names it, or `reconcile` finds it.
      return undefined;
    },
  };
}

/** Ever longer, and for each another time: so many at once are not there again together. */
const pause = (tries: number) => wait(Math.random() * 20 * (tries + 1));

function toPlaces(item: Record<string, AttributeValue>): PlacesItem {
  const { revision = 0, places = {}, line = new Set() } = unmarshall(item);
  return { revision, places, line };
}

function toValues(values: Readonly<Record<string, unknown>>): Record<string, AttributeValue> {
  return marshall(values, { removeUndefinedValues: true });
}

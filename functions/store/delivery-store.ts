import { createHash } from 'node:crypto';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '../aws/dynamodb.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';
import { readable, STORED_VERSION } from './stored-version.ts';

/** The outcome of an event. Several deliveries may work on it at once: the first outcome that is noted stands. */
export type Outcome =
  /** Every request is checked. From here on each of them becomes a generation. */
  | 'accepting'
  | 'accepted'
  /** The rejection is written. None of its requests is run any more. */
  | 'rejected';

/** What earlier deliveries noted about an event. */
export interface Delivery {
  /** How often the event was delivered, this time included. */
  readonly tries: number;
  /** Another put of the same bytes, shortly before or after. Both are one drop, and that put stands for it. */
  readonly sameAs?: string;
  readonly outcome?: Outcome;
}

/** A drop: one or several puts of the same bytes in a short time. The put whose event was handled first stands for it. */
export type Drop =
  | { readonly kind: 'drop'; readonly put: string }
  /** The same bytes were put again later, and the event of that put was handled first. */
  | { readonly kind: 'replaced' };

/** Remembers events by identity and drops by content, for 15 days. */
export interface DeliveryStore {
  /** Counts a delivery. */
  begin(event: string): Promise<Delivery>;
  /** Reads the notes on an event without counting a delivery. */
  find(event: string): Promise<Delivery>;
  /**
   * Notes an outcome, unless another one stands.
   * @returns The outcome that stands.
   */
  settle(event: string, outcome: Outcome): Promise<Outcome>;
  /** Notes that an event belongs to a drop that another put stands for. */
  join(event: string, put: string): Promise<void>;
  /**
   * Finds the drop that a put belongs to, by content. If there is none, the put starts one.
   * @param at - The event's own time.
   * @param insteadOf - A put that came to nothing. This put replaces it as the one that stands for the drop.
   */
  drop(
    content: readonly unknown[],
    given: { readonly put: string; readonly at: Date; readonly insteadOf?: string },
  ): Promise<Drop>;
}

const KEPT_MS = 15 * 86_400_000;

export function createDeliveryStore(
  { client, tableName }: Table,
  {
    deployment,
    sameDropMs,
    clock = () => new Date(),
  }: { readonly deployment: string; readonly sameDropMs: number; readonly clock?: Clock },
): DeliveryStore {
  const keyOf = (kind: 'event' | 'drop', ...identity: readonly unknown[]) => ({
    pk: `${kind}#${hash([deployment, ...identity])}`,
    sk: kind,
  });
  // For housekeeping only: an item that DynamoDB has not removed yet counts as before.
  const expiresAtSeconds = () => Math.ceil((clock().getTime() + KEPT_MS) / 1_000);

  async function read(key: { readonly pk: string; readonly sk: string }) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: marshall(key), ConsistentRead: true }),
    );
    return Item && readable(unmarshall(Item), 'the note of an event');
  }

  async function change(
    event: string,
    expression: string,
    values: Readonly<Record<string, unknown>>,
    condition?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { Attributes = {} } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: marshall(keyOf('event', event)),
        UpdateExpression: `SET version = :version, expiresAtSeconds = :expires${expression}`,
        ...(condition !== undefined && { ConditionExpression: condition }),
        ExpressionAttributeValues: marshall({
          ':version': STORED_VERSION,
          ':expires': expiresAtSeconds(),
          ...values,
        }),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return unmarshall(Attributes);
  }

  const find = async (event: string) => toDelivery(await read(keyOf('event', event)));

  return {
    async begin(event) {
      return toDelivery(await change(event, ' ADD tries :one', { ':one': 1 }));
    },

    find,

    async settle(event, outcome) {
      const before: Outcome = outcome === 'accepted' ? 'accepting' : outcome;
      try {
        await change(
          event,
          ', outcome = :outcome',
          { ':outcome': outcome, ...(before !== outcome && { ':before': before }) },
          `attribute_not_exists(outcome) OR outcome = :outcome${before === outcome ? '' : ' OR outcome = :before'}`,
        );
        return outcome;
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        return (await find(event)).outcome ?? outcome;
      }
    },

    async join(event, put) {
      await change(event, ', sameAs = :put', { ':put': put });
    },

    async drop(content, { put, at, insteadOf }) {
      const key = keyOf('drop', content);
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: marshall({
              ...key,
              version: STORED_VERSION,
              byPut: put,
              droppedAt: timestamp(at),
              expiresAtSeconds: expiresAtSeconds(),
            }),
            ConditionExpression: `attribute_not_exists(pk) OR droppedAt < :from${insteadOf === undefined ? '' : ' OR byPut = :other'}`,
            ExpressionAttributeValues: marshall({
              ':from': timestamp(at.getTime() - sameDropMs),
              ...(insteadOf !== undefined && { ':other': insteadOf }),
            }),
          }),
        );
        return { kind: 'drop', put };
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
      }
      const standing = await read(key);
      const isLater =
        standing !== undefined &&
        standing.byPut !== put &&
        Date.parse(String(standing.droppedAt)) > at.getTime() + sameDropMs;
      return isLater ? { kind: 'replaced' } : { kind: 'drop', put: String(standing?.byPut ?? put) };
    },
  };
}

// Only this file writes these items, so they are read as written.
const toDelivery = ({ tries = 0, sameAs, outcome }: Partial<Delivery> = {}): Delivery => ({
  tries,
  ...(sameAs !== undefined && { sameAs }),
  ...(outcome !== undefined && { outcome }),
});

const hash = (value: unknown) =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand } from '../aws/dynamodb.ts';
import { type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import type { ModelKind, ModelSchema } from '../wiro/types.ts';
import type { Table } from './dynamodb.ts';

/** A model as Wiro describes it. */
export interface FoundModel {
  readonly kind: 'model';
  readonly schema: ModelSchema;
  readonly modelKind: ModelKind;
  /** Wiro's prices of it, as in `PriceList`. */
  readonly prices?: readonly unknown[];
  readonly approximateCostUsd?: number;
}

interface Remembered {
  readonly found: FoundModel;
  /** When Wiro was asked. */
  readonly readAtMs: number;
  /** When the read from the table began, or when this function wrote it there. */
  readonly askedAtMs: number;
}

export interface ModelCache {
  /**
   * Returns `undefined` if nothing is kept, or if it is too old.
   * @param acceptedAt - When the request was accepted. What this function remembers from before does not count: the
   *   request may have been checked against a newer description. @default - everything counts
   */
  get(model: string, acceptedAt?: Timestamp): Promise<FoundModel | undefined>;
  put(model: string, found: FoundModel): Promise<void>;
}

/** The most models in this function's memory. */
const MOST_REMEMBERED = 50;

/** Keeps Wiro's descriptions of models in the table and in memory, so that acceptance rarely waits for Wiro or the table. */
export function createModelCache(
  { client, tableName }: Table,
  {
    keepMs,
    clockSkewMs,
    clock = () => new Date(),
  }: {
    readonly keepMs: number;
    /** How far the clocks of two functions may differ. */
    readonly clockSkewMs: number;
    readonly clock?: Clock;
  },
): ModelCache {
  const key = (model: string) => ({ pk: `model#${model}`, sk: 'schema' });
  const remembered = new Map<string, Remembered>();

  function remember(model: string, one: Remembered): void {
    // A slow read may bring what this function has replaced since.
    if ((remembered.get(model)?.readAtMs ?? 0) > one.readAtMs) return;
    remembered.delete(model);
    // The oldest is the first.
    const [oldest] = remembered.keys();
    if (remembered.size >= MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    remembered.set(model, one);
  }

  const isFresh = (readAtMs: number) => readAtMs + keepMs >= clock().getTime();

  return {
    async get(model, acceptedAt) {
      const before = remembered.get(model);
      const isAfterAcceptance =
        before !== undefined &&
        (acceptedAt === undefined || before.askedAtMs > Date.parse(acceptedAt) + clockSkewMs);
      if (isAfterAcceptance && isFresh(before.readAtMs)) return before.found;
      const askedAtMs = clock().getTime();
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: marshall(key(model)) }),
      );
      if (Item === undefined) return undefined;
      const { readAt, body } = unmarshall(Item);
      const readAtMs = Date.parse(String(readAt));
      if (!isFresh(readAtMs)) return undefined;
      const kept = JSON.parse(String(body)) as Omit<FoundModel, 'modelKind'> & Partial<FoundModel>;
      // Earlier releases write no kind or no prices. Then Wiro is asked again.
      if (!kept.modelKind || !kept.prices) return undefined;
      const found: FoundModel = { ...kept, modelKind: kept.modelKind };
      remember(model, { found, readAtMs, askedAtMs });
      return found;
    },
    async put(model, found) {
      const now = clock();
      const kept: FoundModel = { ...found, prices: found.prices ?? [] };
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            ...key(model),
            version: 1,
            readAt: timestamp(now),
            body: JSON.stringify(kept),
            expiresAtSeconds: Math.ceil((now.getTime() + 7 * 86_400_000) / 1_000),
          }),
        }),
      );
      remember(model, { found: kept, readAtMs: now.getTime(), askedAtMs: now.getTime() });
    },
  };
}

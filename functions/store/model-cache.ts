import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { GetItemCommand, PutItemCommand } from '../aws/dynamodb.ts';
import { type Clock, timestamp } from '../generation/time.ts';
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

export interface ModelCache {
  /** Returns `undefined` if nothing is kept, or if it is too old. */
  get(model: string): Promise<FoundModel | undefined>;
  put(model: string, found: FoundModel): Promise<void>;
}

/** Keeps models in the table as Wiro describes them, so that acceptance rarely waits for Wiro. */
export function createModelCache(
  { client, tableName }: Table,
  { keepMs, clock = () => new Date() }: { readonly keepMs: number; readonly clock?: Clock },
): ModelCache {
  const key = (model: string) => ({ pk: `model#${model}`, sk: 'schema' });
  return {
    async get(model) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: marshall(key(model)) }),
      );
      if (Item === undefined) return undefined;
      const { readAt, body } = unmarshall(Item);
      if (Date.parse(String(readAt)) + keepMs < clock().getTime()) return undefined;
      const kept = JSON.parse(String(body)) as Omit<FoundModel, 'modelKind'> & Partial<FoundModel>;
      // Earlier releases write no kind or no prices. Then Wiro is asked again.
      return kept.modelKind && kept.prices && { ...kept, modelKind: kept.modelKind };
    },
    async put(model, found) {
      const now = clock();
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            ...key(model),
            version: 1,
            readAt: timestamp(now),
            body: JSON.stringify({ ...found, prices: found.prices ?? [] }),
            expiresAtSeconds: Math.ceil((now.getTime() + 7 * 86_400_000) / 1_000),
          }),
        }),
      );
    },
  };
}

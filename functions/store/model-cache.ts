import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Clock, timestamp } from '../generation/time.ts';
import type { ModelSchema } from '../wiro/types.ts';
import type { Table } from './dynamodb.ts';

/** What Wiro said of a model: its schema, or that there is none of that name. */
export type KnownModel =
  | { readonly kind: 'model'; readonly schema: ModelSchema }
  | { readonly kind: 'unknownModel' };

export interface ModelCache {
  /** `undefined` when nothing is kept, or it is too old. */
  get(model: string): Promise<KnownModel | undefined>;
  put(model: string, known: KnownModel): Promise<void>;
}

/** Keeps models' schemas in the table, so that acceptance seldom waits for Wiro. */
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
      return JSON.parse(String(body)) as KnownModel;
    },
    async put(model, known) {
      const now = clock();
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            ...key(model),
            version: 1,
            readAt: timestamp(now),
            body: JSON.stringify(known),
            expiresAtSeconds: Math.ceil((now.getTime() + 7 * 86_400_000) / 1_000),
          }),
        }),
      );
    },
  };
}

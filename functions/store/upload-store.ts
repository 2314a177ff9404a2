import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from '../aws/dynamodb.ts';
import { after, type Clock, type Timestamp, timestamp } from '../generation/time.ts';
import { isConditionFailed, type Table } from './dynamodb.ts';

/** Identifies bytes at Wiro: their content and their extension, because Wiro reads the type from the extension. */
export interface UploadKey {
  readonly sha256: string;
  readonly extension: string;
}

export type UploadClaim =
  /** The bytes are uploaded already, `by` this generation or another. */
  | { readonly kind: 'uploaded'; readonly url: string; readonly by: string }
  /** The caller uploads, until the lease ends. */
  | { readonly kind: 'ours' }
  /** Another holder uploads now: look again soon. */
  | { readonly kind: 'theirs' };

/** Remembers inputs at Wiro, so that the same bytes are uploaded once. */
export interface UploadStore {
  /** Returns the SHA-256 that was noted of an object, by bucket, key and ETag. */
  contentOf(object: { bucket: string; key: string; etag: string }): Promise<string | undefined>;
  noteContent(object: { bucket: string; key: string; etag: string }, sha256: string): Promise<void>;
  /**
   * Claims the upload of some bytes, unless they are uploaded.
   * @param notBefore - Earlier uploads do not count: Wiro may have deleted them.
   */
  claim(key: UploadKey, holder: string, notBefore: Timestamp): Promise<UploadClaim>;
  done(key: UploadKey, url: string, by: string): Promise<void>;
  /** Gives the claim back, so that another holder can upload at once. */
  release(key: UploadKey, holder: string): Promise<void>;
}

export function createUploadStore(
  { client, tableName }: Table,
  {
    leaseMs,
    keepMs,
    clock = () => new Date(),
  }: { readonly leaseMs: number; readonly keepMs: number; readonly clock?: Clock },
): UploadStore {
  const contentKey = (object: { bucket: string; key: string; etag: string }) => ({
    pk: `object#${object.bucket}/${object.key}`,
    sk: `content#${object.etag}`,
  });
  const uploadKey = ({ sha256, extension }: UploadKey) => ({
    pk: `upload#${sha256}`,
    sk: `upload#${extension}`,
  });
  const expiry = () => Math.ceil((clock().getTime() + keepMs) / 1_000) + 86_400;

  async function get(key: Record<string, string>, ConsistentRead = true) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: marshall(key), ConsistentRead }),
    );
    return Item && unmarshall(Item);
  }

  return {
    async contentOf(object) {
      // The content of an ETag never changes. If this misses a note that is just written, the object is read again.
      const item = await get(contentKey(object), false);
      return item && String(item.sha256);
    },

    async noteContent(object, sha256) {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({ ...contentKey(object), version: 1, sha256, expiresAtSeconds: expiry() }),
        }),
      );
    },

    async claim(key, holder, notBefore) {
      const now = timestamp(clock());
      const oldest = [notBefore, timestamp(clock().getTime() - keepMs)].sort().at(-1) ?? notBefore;
      const item = await get(uploadKey(key));
      if (item?.url !== undefined && item.uploadedAt >= oldest)
        return { kind: 'uploaded', url: String(item.url), by: String(item.by) };
      if (item?.holder !== undefined && item.holder !== holder && item.until > now) return { kind: 'theirs' };
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: marshall({
              ...uploadKey(key),
              version: 1,
              holder,
              until: after(now, leaseMs),
              expiresAtSeconds: expiry(),
            }),
            // Replaces only the item that was just read: of two holders that saw it free, one gets it.
            ...(item === undefined
              ? { ConditionExpression: 'attribute_not_exists(pk)' }
              : item.holder !== undefined
                ? {
                    ConditionExpression: 'holder = :seen',
                    ExpressionAttributeValues: marshall({ ':seen': item.holder }),
                  }
                : {
                    ConditionExpression: 'uploadedAt = :seen',
                    ExpressionAttributeValues: marshall({ ':seen': item.uploadedAt }),
                  }),
          }),
        );
        return { kind: 'ours' };
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        // The SDK may have repeated our own write after a lost answer. That looks the same.
        return (await get(uploadKey(key)))?.holder === holder ? { kind: 'ours' } : { kind: 'theirs' };
      }
    },

    async done(key, url, by) {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: marshall({
            ...uploadKey(key),
            version: 1,
            url,
            by,
            uploadedAt: timestamp(clock()),
            expiresAtSeconds: expiry(),
          }),
        }),
      );
    },

    async release(key, holder) {
      try {
        await client.send(
          new DeleteItemCommand({
            TableName: tableName,
            Key: marshall(uploadKey(key)),
            ConditionExpression: 'holder = :holder',
            ExpressionAttributeValues: marshall({ ':holder': holder }),
          }),
        );
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
      }
    },
  };
}

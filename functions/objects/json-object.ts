import { setTimeout as wait } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { JsonObjectError, UnreadableJsonError } from './errors.ts';
import type { ObjectRef } from './types.ts';

export interface StoredJson {
  readonly value: unknown;
  readonly etag: string;
}

/** The condition under which a write takes effect. */
export type WriteCondition =
  | { readonly kind: 'always' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unchanged'; readonly etag: string };

export interface JsonObjects {
  /**
   * @returns `undefined` if no such object exists.
   * @throws {UnreadableJsonError} If the object is too large or not JSON.
   */
  read(ref: ObjectRef): Promise<StoredJson | undefined>;
  /** @returns `false` if the condition did not hold and nothing was written. */
  write(ref: ObjectRef, value: unknown, condition: WriteCondition): Promise<boolean>;
  /** Writes an HTML page that a person reads. Replaces what lies there. */
  writePage(ref: ObjectRef, html: string): Promise<void>;
  /** Deletes the object if it has not changed since it was read. @returns Whether it was deleted. */
  remove(ref: ObjectRef, etag: string): Promise<boolean>;
  /**
   * Reads, changes and writes an object, and repeats this whenever another writer intervened. Changes one object at a
   * time in this process, to limit memory.
   * @param change - Receives `undefined` if no object exists. Returns the same value to write nothing.
   * @throws {UnreadableJsonError} If the object is too large or not JSON. A retry does not help.
   * @throws {JsonObjectError} If other writers intervened every time.
   */
  update(ref: ObjectRef, change: (value: unknown) => unknown): Promise<void>;
}

export interface JsonObjectsDeps {
  readonly client: Pick<S3Client, 'send'>;
  /** The largest object to read, in bytes. @default 8 MiB */
  readonly maxBytes?: number;
  /** Waits before the next try. @default - up to 25 ms, doubling up to 1 s */
  readonly pause?: (attempt: number) => Promise<void>;
}

/** `reconcile` has 256 MB, and a parsed value needs many times its size in JSON. */
const MAX_BYTES = 8 * 1024 * 1024;
/** One file may have a thousand writers, and at least one of them succeeds in each round. */
const MAX_TRIES = 60;

/** Creates an accessor for small JSON objects in S3 that several functions write concurrently. */
export function createJsonObjects({
  client,
  maxBytes = MAX_BYTES,
  pause = pauseBriefly,
}: JsonObjectsDeps): JsonObjects {
  async function read({ bucket, key }: ObjectRef): Promise<StoredJson | undefined> {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    const found = await client.send(command).catch((error: unknown) => {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
      throw error;
    });
    if (!found?.Body || found.ETag === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of found.Body as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes)
        throw new UnreadableJsonError(`Cannot read "${key}": it is larger than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    try {
      // Some editors write a byte order mark at the start.
      const text = Buffer.concat(chunks)
        .toString('utf8')
        .replace(/^\uFEFF/, '');
      return { value: JSON.parse(text), etag: found.ETag };
    } catch (cause) {
      throw new UnreadableJsonError(`Cannot read "${key}": it is not JSON`, { cause });
    }
  }

  async function write(
    { bucket, key }: ObjectRef,
    value: unknown,
    condition: WriteCondition,
  ): Promise<boolean> {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: JSON.stringify(value, null, 2),
      ContentType: 'application/json',
      ...(condition.kind === 'missing' ? { IfNoneMatch: '*' } : {}),
      ...(condition.kind === 'unchanged' ? { IfMatch: condition.etag } : {}),
    });
    return unlessLost(client.send(command), condition.kind !== 'always');
  }

  async function writePage({ bucket, key }: ObjectRef, html: string): Promise<void> {
    const ContentType = 'text/html; charset=utf-8';
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: html, ContentType }));
  }

  async function remove({ bucket, key }: ObjectRef, etag: string): Promise<boolean> {
    return unlessLost(client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag })));
  }

  async function changeNow(ref: ObjectRef, change: (value: unknown) => unknown): Promise<void> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
      const stored = await read(ref);
      const value = change(stored?.value);
      if (stored && value === stored.value) return;
      const condition: WriteCondition = stored
        ? { kind: 'unchanged', etag: stored.etag }
        : { kind: 'missing' };
      if (await write(ref, value, condition)) return;
      await pause(attempt);
    }
    throw new JsonObjectError(`Cannot change "${ref.key}": other writers intervened ${MAX_TRIES} times`);
  }

  let last: Promise<unknown> = Promise.resolve();
  function update(ref: ObjectRef, change: (value: unknown) => unknown): Promise<void> {
    const done = last.then(() => changeNow(ref, change));
    last = done.catch(() => undefined);
    return done;
  }

  return { read, write, writePage, remove, update };
}

async function unlessLost(sent: Promise<unknown>, isConditional = true): Promise<boolean> {
  try {
    await sent;
    return true;
  } catch (error) {
    if (isConditional && isLost(error)) return false;
    throw error;
  }
}

/** Whether another writer intervened: it has written (412), is writing (409) or has deleted the object (404). */
function isLost(error: unknown): boolean {
  return error instanceof S3ServiceException && [404, 409, 412].includes(error.$metadata.httpStatusCode ?? 0);
}

async function pauseBriefly(attempt: number): Promise<void> {
  await wait(Math.random() * Math.min(25 * 2 ** (attempt - 1), 1_000));
}

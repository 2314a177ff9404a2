import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Checksum } from './s3-checksum.ts';
import type { CorsRule } from './s3-cors.ts';
import { S3Error } from './s3-errors.ts';
import { createKeyedLock } from './s3-lock.ts';
import type { ByteRange } from './s3-range.ts';

/** A file that is written once and then only read or removed. */
export interface Piece {
  readonly file: string;
  readonly sizeBytes: number;
}

/** An object to store. */
export interface NewObject {
  /** One piece, or the parts of a multipart upload. */
  readonly pieces: readonly Piece[];
  /** Without quotes. */
  readonly etag: string;
  /** Headers that are stored and returned with the object: Content-Type, x-amz-meta-… */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: Checksum | undefined;
}

export interface StoredObject extends NewObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Written by `Date.toISOString`. */
  readonly lastModified: string;
  /** Increases with every write, also across restarts. */
  readonly sequencer: string;
}

export interface StoredPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly piece: Piece;
  readonly checksum?: Checksum | undefined;
  readonly lastModified: string;
}

export interface StoredUpload {
  readonly id: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: Pick<Checksum, 'algorithm' | 'type'> | undefined;
  readonly initiated: string;
  /** Ascending by number. */
  readonly parts: readonly StoredPart[];
}

/** Throws if the object to be replaced does not meet the write's condition. */
export type WriteCondition = (existing: StoredObject | undefined) => void;

/** Objects and multipart uploads. Changes to one key are atomic and happen one after the other. */
export interface Bucket {
  get(key: string): StoredObject | undefined;
  /** In no particular order. */
  objects(): readonly StoredObject[];
  /** A piece is removed at the next start unless an object or a part refers to it. */
  writePiece(bytes: AsyncIterable<Buffer>): Promise<Piece>;
  /** Call this in the same tick as `get`. It keeps the pieces until the stream closes. */
  read(pieces: readonly Piece[], range?: ByteRange): Readable;
  put(key: string, object: NewObject, condition: WriteCondition): Promise<StoredObject>;
  delete(key: string, condition: WriteCondition): Promise<void>;

  uploads(): readonly StoredUpload[];
  /** @throws {S3Error} `NoSuchUpload` */
  upload(key: string, id: string): StoredUpload;
  createUpload(upload: Pick<StoredUpload, 'key' | 'headers' | 'checksum'>): Promise<StoredUpload>;
  /** Replaces the part with the same number. */
  putPart(key: string, id: string, part: Omit<StoredPart, 'lastModified'>): Promise<void>;
  /** Turns the upload into the object that `assemble` describes. Removes parts that the object does not use. */
  completeUpload(
    key: string,
    id: string,
    assemble: (upload: StoredUpload) => Promise<NewObject>,
    condition: WriteCondition,
  ): Promise<StoredObject>;
  abortUpload(key: string, id: string): Promise<void>;

  readonly created: Date;
  corsRules(): readonly CorsRule[] | undefined;
  setCorsRules(rules: readonly CorsRule[] | undefined): Promise<void>;
  /**
   * Removes an empty bucket with its uploads. Afterwards, writes fail with `NoSuchBucket`.
   * @throws {S3Error} `BucketNotEmpty`, or `OperationAborted` during a write.
   */
  remove(): Promise<void>;
}

/** Removed buckets have names that no bucket can have. */
export const REMOVED = '.removed-';

/**
 * Opens a bucket. Its directory contains the pieces in `data`, and a JSON file for each object and upload. An object's
 * file has the hash of its key as its name, so that no key can escape the directory. JSON files are replaced by
 * renaming, after their pieces are written. Opening a bucket removes pieces that no JSON file refers to.
 */
export async function openBucket(dir: string, now: () => Date): Promise<Bucket> {
  const under = (...names: string[]) => join(dir, ...names);
  await rm(under('temporary'), { recursive: true, force: true });
  for (const name of ['objects', 'uploads', 'data', 'settings', 'temporary'])
    await mkdir(under(name), { recursive: true });
  const objects = new Map((await readAll<StoredObject>(under('objects'))).map((one) => [one.key, one]));
  const uploads = new Map((await readAll<StoredUpload>(under('uploads'))).map((one) => [one.id, one]));

  // The process ended after completing an upload and before deleting it. The pieces belong to the object.
  const owned = new Set([...objects.values()].flatMap(({ pieces }) => pieces.map(({ file }) => file)));
  for (const { id, parts } of uploads.values())
    if (parts.some(({ piece }) => owned.has(piece.file))) {
      uploads.delete(id);
      await rm(under('uploads', `${id}.json`));
    }
  for (const { parts } of uploads.values()) for (const { piece } of parts) owned.add(piece.file);
  for (const file of await readdir(under('data'))) if (!owned.has(file)) await rm(under('data', file));

  let lastSequencer = [...objects.values()].reduce(
    (last, { sequencer }) => max(last, BigInt(`0x${sequencer}`)),
    0n,
  );
  const nextSequencer = (): string => {
    lastSequencer = max(lastSequencer + 1n, BigInt(now().getTime()) << 20n);
    return lastSequencer.toString(16).toUpperCase().padStart(18, '0');
  };

  const { birthtime, ctime } = await stat(dir);
  let corsRules = (await readAll<readonly CorsRule[]>(under('settings')))[0];
  let isRemoved = false;
  let writes = 0;
  const lockKey = createKeyedLock();
  /** Changes a key, unless the bucket is removed. */
  const locked = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    writes += 1;
    try {
      return await lockKey(key, work);
    } finally {
      writes -= 1;
    }
  };
  const requireBucket = (): void => {
    if (isRemoved) throw new S3Error('NoSuchBucket');
  };
  const readers = new Map<string, number>();
  const doomed = new Set<string>();

  const save = async (path: string, value: unknown): Promise<void> => {
    const temporary = under('temporary', randomUUID());
    await writeFile(temporary, JSON.stringify(value));
    await rename(temporary, path);
  };
  // A file that cannot be removed is removed the next time the bucket is opened, so this is not an error.
  const remove = (file: string): Promise<void> => rm(under('data', file), { force: true }).catch(() => {});
  const drop = async (pieces: readonly Piece[]): Promise<void> => {
    for (const { file } of pieces)
      if (readers.has(file)) doomed.add(file);
      else await remove(file);
  };
  const release = (pieces: readonly Piece[]): void => {
    for (const { file } of pieces) {
      const left = (readers.get(file) ?? 0) - 1;
      if (left > 0) readers.set(file, left);
      else readers.delete(file);
      if (left === 0 && doomed.delete(file)) void remove(file);
    }
  };
  const objectPath = (key: string) =>
    under('objects', `${createHash('sha256').update(key).digest('hex')}.json`);
  const uploadPath = (id: string) => under('uploads', `${id}.json`);

  /** Call this with the key's lock. */
  const replace = async (
    key: string,
    object: NewObject,
    condition: WriteCondition,
  ): Promise<StoredObject> => {
    requireBucket();
    const existing = objects.get(key);
    condition(existing);
    const stored: StoredObject = {
      ...object,
      key,
      sizeBytes: object.pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      lastModified: now().toISOString(),
      sequencer: nextSequencer(),
    };
    await save(objectPath(key), stored);
    objects.set(key, stored);
    await drop(existing?.pieces ?? []);
    return stored;
  };
  const upload = (key: string, id: string): StoredUpload => {
    const found = uploads.get(id);
    if (found?.key !== key) throw new S3Error('NoSuchUpload');
    return found;
  };
  const forget = async (id: string): Promise<void> => {
    uploads.delete(id);
    await rm(uploadPath(id));
  };

  return {
    get: (key) => objects.get(key),
    objects: () => [...objects.values()],
    writePiece: async (bytes) => {
      const file = randomUUID();
      const written = createWriteStream(under('data', file));
      try {
        await pipeline(bytes, written);
      } catch (error) {
        await remove(file);
        requireBucket();
        throw error;
      }
      return { file, sizeBytes: written.bytesWritten };
    },
    read: (pieces, range) => {
      for (const { file } of pieces) readers.set(file, (readers.get(file) ?? 0) + 1);
      return Readable.from(
        readPieces(pieces, range, (file) => under('data', file)),
        {
          objectMode: false,
        },
      ).once('close', () => release(pieces));
    },
    put: (key, object, condition) =>
      locked(key, async () => {
        try {
          return await replace(key, object, condition);
        } catch (error) {
          await drop(object.pieces);
          throw error;
        }
      }),
    delete: (key, condition) =>
      locked(key, async () => {
        const existing = objects.get(key);
        condition(existing);
        if (existing === undefined) return;
        await rm(objectPath(key));
        objects.delete(key);
        await drop(existing.pieces);
      }),

    uploads: () => [...uploads.values()],
    upload,
    createUpload: async (description) => {
      requireBucket();
      const created = { ...description, id: randomUUID(), initiated: now().toISOString(), parts: [] };
      await save(uploadPath(created.id), created);
      uploads.set(created.id, created);
      return created;
    },
    putPart: (key, id, part) =>
      locked(key, async () => {
        try {
          const before = upload(key, id);
          const others = before.parts.filter(({ partNumber }) => partNumber !== part.partNumber);
          const parts = [...others, { ...part, lastModified: now().toISOString() }];
          const after = { ...before, parts: parts.sort((a, b) => a.partNumber - b.partNumber) };
          await save(uploadPath(id), after);
          uploads.set(id, after);
          const replaced = before.parts.filter(({ partNumber }) => partNumber === part.partNumber);
          await drop(replaced.map(({ piece }) => piece));
        } catch (error) {
          await drop([part.piece]);
          throw error;
        }
      }),
    completeUpload: (key, id, assemble, condition) =>
      locked(key, async () => {
        const { parts, ...rest } = upload(key, id);
        const object = await assemble({ ...rest, parts });
        const stored = await replace(key, object, condition);
        await forget(id);
        const used = new Set(object.pieces.map(({ file }) => file));
        await drop(parts.map(({ piece }) => piece).filter(({ file }) => !used.has(file)));
        return stored;
      }),
    abortUpload: (key, id) =>
      locked(key, async () => {
        const { parts } = upload(key, id);
        await forget(id);
        await drop(parts.map(({ piece }) => piece));
      }),

    created: birthtime.getTime() > 0 ? birthtime : ctime,
    corsRules: () => corsRules,
    setCorsRules: (rules) =>
      // No object has an empty key.
      locked('', async () => {
        requireBucket();
        if (rules === undefined) await rm(under('settings', 'cors.json'), { force: true });
        else await save(under('settings', 'cors.json'), rules);
        corsRules = rules;
      }),
    remove: async () => {
      requireBucket();
      if (objects.size > 0) throw new S3Error('BucketNotEmpty');
      if (writes > 0) throw new S3Error('OperationAborted');
      isRemoved = true;
      // Renamed first, so that neither a crash nor a new bucket with the same name meets half a bucket.
      const removed = join(dirname(dir), `${REMOVED}${randomUUID()}`);
      await rename(dir, removed).catch((error: unknown) => {
        isRemoved = false;
        throw error;
      });
      // What is left is removed when the store is opened again.
      await rm(removed, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    },
  };
}

async function* readPieces(
  pieces: readonly Piece[],
  range: ByteRange | undefined,
  path: (file: string) => string,
): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const { file, sizeBytes } of pieces) {
    const start = Math.max(0, (range?.start ?? 0) - offset);
    const end = Math.min(sizeBytes - 1, (range?.end ?? Number.POSITIVE_INFINITY) - offset);
    if (start <= end) yield* createReadStream(path(file), { start, end });
    offset += sizeBytes;
  }
}

async function readAll<T>(dir: string): Promise<T[]> {
  const all: T[] = [];
  // Reads them one by one, because a process may only open a limited number of files at once.
  for (const name of await readdir(dir)) all.push(JSON.parse(await readFile(join(dir, name), 'utf8')));
  return all;
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

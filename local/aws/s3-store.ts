import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bucket, openBucket, REMOVED } from './s3-bucket.ts';
import type { CorsRule } from './s3-cors.ts';
import { S3Error } from './s3-errors.ts';
import { createKeyedLock } from './s3-lock.ts';

/** Buckets in a directory. Only one process at a time may use the directory. */
export interface S3Store {
  /** Does nothing if the bucket exists. */
  createBucket(name: string): Promise<void>;
  /** @throws {S3Error} `NoSuchBucket` */
  bucket(name: string): Promise<Bucket>;
  /** @throws {S3Error} `NoSuchBucket`, `BucketNotEmpty` or `OperationAborted`. */
  removeBucket(name: string): Promise<void>;
  bucketNames(): readonly string[];
  /** @returns `undefined` if the bucket does not exist or has none. */
  corsRules(name: string): Promise<readonly CorsRule[] | undefined>;
}

const BUCKET_NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Opens the buckets in the directory. */
export async function openS3Store(dataDir: string, now: () => Date): Promise<S3Store> {
  // Holds promises, so that concurrent calls to create a bucket share one.
  const buckets = new Map<string, Promise<Bucket>>();
  const locked = createKeyedLock();
  const open = (name: string) => buckets.set(name, openBucket(join(dataDir, name), now));

  const bucket = async (name: string): Promise<Bucket> => {
    const found = await buckets.get(name);
    if (found === undefined) throw new S3Error('NoSuchBucket');
    return found;
  };

  await mkdir(dataDir, { recursive: true });
  for (const entry of await readdir(dataDir, { withFileTypes: true }))
    if (entry.isDirectory() && BUCKET_NAME.test(entry.name)) open(entry.name);
    else if (entry.name.startsWith(REMOVED)) await rm(join(dataDir, entry.name), { recursive: true });
  await Promise.all(buckets.values());

  return {
    createBucket: (name) =>
      locked(name, async () => {
        if (!BUCKET_NAME.test(name)) throw new S3Error('InvalidBucketName');
        if (!buckets.has(name)) open(name);
        await buckets.get(name);
      }),
    bucket,
    removeBucket: (name) =>
      locked(name, async () => {
        await (await bucket(name)).remove();
        buckets.delete(name);
      }),
    bucketNames: () => [...buckets.keys()].sort(),
    corsRules: async (name) => (await buckets.get(name))?.corsRules(),
  };
}

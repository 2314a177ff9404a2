import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bucket, openBucket } from './s3-bucket.ts';
import { S3Error } from './s3-errors.ts';

/** Buckets in a directory. Only one process at a time may use the directory. */
export interface S3Store {
  /** Does nothing if the bucket exists. */
  createBucket(name: string): Promise<void>;
  /** @throws {S3Error} `NoSuchBucket` */
  bucket(name: string): Promise<Bucket>;
  bucketNames(): readonly string[];
}

const BUCKET_NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Opens the buckets in the directory. */
export async function openS3Store(dataDir: string, now: () => Date): Promise<S3Store> {
  // Holds promises, so that concurrent calls to create a bucket share one.
  const buckets = new Map<string, Promise<Bucket>>();
  const open = (name: string) => buckets.set(name, openBucket(join(dataDir, name), now));

  await mkdir(dataDir, { recursive: true });
  for (const entry of await readdir(dataDir, { withFileTypes: true }))
    if (entry.isDirectory() && BUCKET_NAME.test(entry.name)) open(entry.name);
  await Promise.all(buckets.values());

  return {
    createBucket: async (name) => {
      if (!BUCKET_NAME.test(name)) throw new S3Error('InvalidBucketName');
      if (!buckets.has(name)) open(name);
      await buckets.get(name);
    },
    bucket: async (name) => {
      const bucket = await buckets.get(name);
      if (bucket === undefined) throw new S3Error('NoSuchBucket');
      return bucket;
    },
    bucketNames: () => [...buckets.keys()].sort(),
  };
}

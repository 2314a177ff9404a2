import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { startUpload } from './s3-upload.ts';
import { Bucket, outcome, s3World } from './s3-world.ts';

describe('a bucket', () => {
  it('has a location, a region and a date', async () => {
    const { client } = await s3World();

    const location = await client.send(new GetBucketLocationCommand({ Bucket }));
    const head = await client.send(new HeadBucketCommand({ Bucket }));

    expect(location.LocationConstraint).toBeUndefined();
    expect(head.BucketRegion).toBe('us-east-1');
  });

  it('is listed in pages', async () => {
    const { client } = await s3World();
    for (const name of ['a-bucket', 'b-bucket', 'b-other'])
      await client.send(new CreateBucketCommand({ Bucket: name }));
    const list = async (more: object) => {
      const { Buckets, ContinuationToken } = await client.send(new ListBucketsCommand(more));
      return [Buckets?.map(({ Name }) => Name), ContinuationToken] as const;
    };

    const [first, token] = await list({ Prefix: 'b-', MaxBuckets: 1 });
    const [second, end] = await list({ Prefix: 'b-', MaxBuckets: 1, ContinuationToken: token });

    expect([first, second, end]).toEqual([['b-bucket'], ['b-other'], undefined]);
  });

  it('is removed if it is empty, and can be created again', async () => {
    const { client, dataDir, stop } = await s3World();
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'b' }));

    const full = await outcome(client.send(new DeleteBucketCommand({ Bucket })));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await client.send(new DeleteBucketCommand({ Bucket }));
    const gone = await outcome(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' })));
    await stop();
    const later = await s3World({ dataDir });

    expect([full, gone]).toEqual(['BucketNotEmpty', 'NoSuchBucket']);
    const { Contents } = await later.client.send(new ListObjectsCommand({ Bucket }));
    expect(Contents).toBeUndefined();
  });

  it('refuses a write that began before it was removed', async () => {
    const { client } = await s3World();
    const put = client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: Buffer.alloc(2 ** 20) }));

    const results = await Promise.all([
      outcome(put),
      outcome(client.send(new DeleteBucketCommand({ Bucket }))),
    ]);

    // Whichever comes first wins, and the other is told.
    const [written, removed] = results.map((result) => (typeof result === 'string' ? result : 'done'));
    expect(removed === 'done' ? written : 'done').toBe(removed === 'done' ? 'NoSuchBucket' : 'done');
    expect(['done', 'BucketNotEmpty', 'OperationAborted']).toContain(removed);
  });
});

describe('the older list of objects', () => {
  it('returns pages, with a next marker for groups', async () => {
    const { client } = await s3World();
    for (const Key of ['in/a/1', 'in/a/2', 'in/b', 'in/c/1', 'out'])
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const page = (more: object) => client.send(new ListObjectsCommand({ Bucket, MaxKeys: 1, ...more }));

    const flat = await page({ MaxKeys: 2, Marker: 'in/a/1' });
    const first = await page({ Prefix: 'in/', Delimiter: '/' });
    const second = await page({ Prefix: 'in/', Delimiter: '/', Marker: first.NextMarker });
    const third = await page({ Prefix: 'in/', Delimiter: '/', Marker: second.NextMarker });

    expect(flat.Contents?.map(({ Key }) => Key)).toEqual(['in/a/2', 'in/b']);
    expect([flat.IsTruncated, flat.NextMarker, flat.Contents?.[0]?.Owner?.ID]).toEqual([
      true,
      undefined,
      'local',
    ]);
    expect(first).toMatchObject({ CommonPrefixes: [{ Prefix: 'in/a/' }], NextMarker: 'in/a/' });
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(['in/b']);
    expect(third).toMatchObject({ IsTruncated: false, CommonPrefixes: [{ Prefix: 'in/c/' }] });
  });

  it('continues after a folder’s own object', async () => {
    const { client } = await s3World();
    for (const Key of ['in/', 'in/a']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));

    const { Contents } = await client.send(
      new ListObjectsCommand({ Bucket, Prefix: 'in/', Delimiter: '/', Marker: 'in/' }),
    );

    expect(Contents?.map(({ Key }) => Key)).toEqual(['in/a']);
  });
});

describe('a part of an upload', () => {
  it('is copied from an object’s bytes, with the checksum of the upload', async () => {
    const { client } = await s3World();
    await client.send(new CreateBucketCommand({ Bucket: 'source' }));
    await client.send(new PutObjectCommand({ Bucket: 'source', Key: 'a b', Body: '0123456789' }));
    const { UploadId, complete } = await startUpload(client, { ChecksumAlgorithm: 'CRC32' });
    const copy = (CopySourceRange: string, more: object = {}) =>
      client.send(
        new UploadPartCopyCommand({
          Bucket,
          Key: 'outputs/big.bin',
          UploadId,
          PartNumber: 1,
          CopySource: 'source/a%20b',
          CopySourceRange,
          ...more,
        }),
      );

    const wrong = [
      await outcome(copy('bytes=5-10')),
      await outcome(copy('bytes=5-')),
      await outcome(copy('bytes=0-1', { CopySourceIfMatch: '"other"' })),
      await outcome(copy('bytes=0-1', { ExpectedSourceBucketOwner: '111111111111' })),
    ];
    const { CopyPartResult: part } = await copy('bytes=2-4');
    await complete([{ PartNumber: 1, ETag: part?.ETag, ChecksumCRC32: part?.ChecksumCRC32 }]);
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'outputs/big.bin' }));

    expect(wrong).toEqual(['InvalidArgument', 'InvalidArgument', 'PreconditionFailed', 'AccessDenied']);
    expect(await Body?.transformToString()).toBe('234');
  });
});

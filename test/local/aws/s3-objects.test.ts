import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, outcome, s3World } from './s3-world.ts';

const put = (client: S3Client, Key: string, Body: string) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body }));

const read = async (client: S3Client, Key: string): Promise<string | undefined> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
};

describe('objects', () => {
  it('are returned with their bytes and headers', async () => {
    const { client } = await s3World();

    const stored = await client.send(
      new PutObjectCommand({
        Bucket,
        Key: 'cat.png',
        Body: 'hello',
        ContentType: 'image/png',
        ContentDisposition: 'attachment; filename="cat.png"',
        CacheControl: 'max-age=60',
        Metadata: { 'generation-id': 'g1' },
      }),
    );
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'cat.png' }));

    expect(await got.Body?.transformToString()).toBe('hello');
    expect(stored).toMatchObject({ ETag: '"5d41402abc4b2a76b9719d911017c592"', ChecksumCRC32: 'NhCmhg==' });
    expect(got).toMatchObject({
      ETag: '"5d41402abc4b2a76b9719d911017c592"',
      ChecksumCRC32: 'NhCmhg==',
      ContentLength: 5,
      ContentType: 'image/png',
      ContentDisposition: 'attachment; filename="cat.png"',
      CacheControl: 'max-age=60',
      Metadata: { 'generation-id': 'g1' },
    });
    expect(got.VersionId).toBeUndefined();
  });

  it('may be streamed, with the SDK’s default checksums and without any', async () => {
    const { client } = await s3World();
    const { client: plain } = await s3World({ client: { requestChecksumCalculation: 'WHEN_REQUIRED' } });
    const bytes = Buffer.alloc(3 * 1024 ** 2 + 1, 'abc');
    const streamed = () => ({
      Bucket,
      Key: 'big',
      Body: Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]),
      ContentLength: bytes.length,
    });

    const withChecksum = await client.send(new PutObjectCommand(streamed()));
    const without = await plain.send(new PutObjectCommand(streamed()));

    expect(withChecksum.ETag).toBe(without.ETag);
    expect([withChecksum.ChecksumCRC32, without.ChecksumCRC32]).toEqual(['bPJAgg==', undefined]);
    for (const one of [client, plain]) {
      const { Body } = await one.send(new GetObjectCommand({ Bucket, Key: 'big' }));
      expect(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    'are verified with the client’s %s',
    async (algorithm) => {
      const { client } = await s3World();
      // Over "123456789": the check values of the algorithms.
      const right = {
        CRC32: 'y/Q5Jg==',
        CRC32C: '4waSgw==',
        SHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
        SHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
      }[algorithm];
      const putWith = (Body: string) =>
        client.send(new PutObjectCommand({ Bucket, Key: algorithm, Body, [`Checksum${algorithm}`]: right }));

      expect(await outcome(putWith('123456780'))).toBe('BadDigest');
      expect(await outcome(client.send(new HeadObjectCommand({ Bucket, Key: algorithm })))).toBe('NotFound');
      expect(await putWith('123456789')).toMatchObject({ [`Checksum${algorithm}`]: right });
    },
  );

  it('are refused if the body differs from its Content-MD5', async () => {
    const { client } = await s3World();

    const wrong = new PutObjectCommand({
      Bucket,
      Key: 'a',
      Body: 'hello',
      ContentMD5: '1B2M2Y8AsgTpgAmY7PhCfg==',
    });

    expect(await outcome(client.send(wrong))).toBe('BadDigest');
  });

  it('are returned in ranges', async () => {
    const { client } = await s3World();
    await put(client, 'digits', '0123456789');
    const range = async (Range: string) => {
      const got = await client.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
      return [await got.Body?.transformToString(), got.ContentRange, got.$metadata.httpStatusCode];
    };

    expect(await range('bytes=2-4')).toEqual(['234', 'bytes 2-4/10', 206]);
    expect(await range('bytes=7-')).toEqual(['789', 'bytes 7-9/10', 206]);
    expect(await range('bytes=-2')).toEqual(['89', 'bytes 8-9/10', 206]);
    expect(await range('bytes=8-99')).toEqual(['89', 'bytes 8-9/10', 206]);
    expect(await range('bytes=0-1,3-4')).toEqual(['0123456789', undefined, 200]);
    expect(await outcome(range('bytes=10-'))).toBe('InvalidRange');
  });

  it.each([
    'with spaces and + and %25 and %',
    'ünï/çødé/☕/😀',
    '../../etc/passwd',
    'a/../../b',
    'a//b',
    '/starts/with/slash',
    'ends/with/slash/',
    `${'deep/'.repeat(200)}end`,
    '?query=1&x#y',
    'quotes"\'<>&;:@=$,!()*~|\\^`{}[]',
    'line\nbreak\ttab',
    '.',
    '..',
    'constructor',
  ])('may have the key %j, also in lists and copies', async (Key) => {
    const { client } = await s3World();
    await put(client, 'other', 'other');

    await put(client, Key, Key);
    await client.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${encodeURIComponent(Key)}` }),
    );
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));

    expect(await read(client, 'copy')).toBe(Key);
    expect(Contents.map((one) => one.Key)).toContain(Key);
    expect(await outcome(read(client, Key))).toBe('NoSuchKey');
    expect(await read(client, 'other')).toBe('other');
  });

  it('are refused with a key of more than 1024 bytes', async () => {
    const { client } = await s3World();

    expect(await outcome(put(client, 'ü'.repeat(513), 'x'))).toBe('KeyTooLongError');
  });

  it('are copied with the headers of the source or with new ones', async () => {
    const { client } = await s3World();
    await client.send(
      new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello', ContentType: 'text/x', Metadata: { n: '1' } }),
    );
    const copy = (Key: string, more: object) =>
      client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `/${Bucket}/a`, ...more }));
    const head = (Key: string) => client.send(new HeadObjectCommand({ Bucket, Key }));

    const copied = await copy('b', {});
    await copy('c', { MetadataDirective: 'REPLACE', ContentType: 'text/y' });

    expect(copied.CopyObjectResult?.ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
    expect(await head('b')).toMatchObject({ ContentType: 'text/x', Metadata: { n: '1' }, ContentLength: 5 });
    expect(await head('c')).toMatchObject({ ContentType: 'text/y', Metadata: {} });
    expect(await outcome(copy('a', {}))).toBe('InvalidRequest');
    expect(await outcome(copy('d', { CopySourceIfMatch: '"other"' }))).toBe('PreconditionFailed');
    expect(await outcome(copy('d', { CopySource: `${Bucket}/missing` }))).toBe('NoSuchKey');
  });

  it('responds with errors for missing objects and unsupported operations', async () => {
    const { client } = await s3World();
    await put(client, 'a', 'x');

    const results = await Promise.all([
      outcome(read(client, 'missing')),
      outcome(client.send(new HeadObjectCommand({ Bucket, Key: 'missing' }))),
      outcome(client.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'a' }))),
      outcome(client.send(new HeadBucketCommand({ Bucket: 'nowhere' }))),
      outcome(client.send(new GetObjectAclCommand({ Bucket, Key: 'a' }))),
      outcome(client.send(new GetObjectCommand({ Bucket, Key: 'a', VersionId: '1' }))),
    ]);

    expect(results).toEqual([
      'NoSuchKey',
      'NotFound',
      'NoSuchBucket',
      'NotFound',
      'NotImplemented',
      'NotImplemented',
    ]);
  });

  it('lists its buckets', async () => {
    const { client } = await s3World();

    const { Buckets } = await client.send(new ListBucketsCommand({}));

    expect(Buckets).toEqual([{ Name: Bucket, CreationDate: expect.any(Date) as Date }]);
  });
});

describe('listing', () => {
  it('returns pages in the order of bytes', async () => {
    const { client } = await s3World();
    // UTF-16 order would swap the last two.
    const keys = ['a', 'a/1', 'a/2', 'b', 'ü', '\uFFFD', '😀'];
    await Promise.all(keys.toReversed().map((key) => put(client, key, 'x')));

    const listed: (string | undefined)[][] = [];
    let token: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, MaxKeys: 3, ...(token && { ContinuationToken: token }) }),
      );
      listed.push((page.Contents ?? []).map(({ Key }) => Key));
      token = page.NextContinuationToken;
    } while (token !== undefined);

    expect(listed).toEqual([['a', 'a/1', 'a/2'], ['b', 'ü', '\uFFFD'], ['😀']]);
  });

  it('groups keys by a delimiter, also across pages', async () => {
    const { client } = await s3World();
    for (const key of ['in/a/1', 'in/a/2', 'in/b', 'in/c/1', 'out']) await put(client, key, 'x');
    const page = (token?: string) =>
      client.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: 'in/',
          Delimiter: '/',
          MaxKeys: 1,
          ...(token && { ContinuationToken: token }),
        }),
      );

    const first = await page();
    const second = await page(first.NextContinuationToken);
    const third = await page(second.NextContinuationToken);

    expect(first).toMatchObject({ KeyCount: 1, IsTruncated: true, CommonPrefixes: [{ Prefix: 'in/a/' }] });
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(['in/b']);
    expect(third).toMatchObject({ IsTruncated: false, CommonPrefixes: [{ Prefix: 'in/c/' }] });
  });

  it('starts after a key', async () => {
    const { client } = await s3World();
    for (const key of ['a', 'b', 'c']) await put(client, key, 'x');

    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, StartAfter: 'a' }));

    expect(Contents?.map(({ Key, Size, ETag }) => [Key, Size, ETag])).toEqual([
      ['b', 1, '"9dd4e461268c8034f5c8564e155c67a6"'],
      ['c', 1, '"9dd4e461268c8034f5c8564e155c67a6"'],
    ]);
  });
});

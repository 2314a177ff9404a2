import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Key, startUpload } from './s3-upload.ts';
import { Bucket, outcome, s3World } from './s3-world.ts';

const MIB = 1024 ** 2;

async function sha256(client: S3Client): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const hash = createHash('sha256');
  for await (const chunk of Body as Readable) hash.update(chunk);
  return hash.digest('hex');
}

describe.each([
  ['the default checksums of the SDK', {}],
  ['no checksums', { requestChecksumCalculation: 'WHEN_REQUIRED' as const }],
])('with %s', (_, settings) => {
  it('assembles 64 MiB from streamed parts in any order', async () => {
    const { client, events } = await s3World({ client: settings });
    const bytes = randomBytes(64 * MIB);
    const upload = await startUpload(client, { ContentType: 'video/mp4', Metadata: { n: '1' } });

    const parts = await Promise.all(
      [5, 3, 1, 7, 2, 4, 6, 8].map(async (PartNumber) => {
        const part = bytes.subarray((PartNumber - 1) * 8 * MIB, PartNumber * 8 * MIB);
        // Chunks that match no part boundary.
        const chunks = Array.from({ length: Math.ceil(part.length / 99_991) }, (_, index) =>
          part.subarray(index * 99_991, (index + 1) * 99_991),
        );
        const { ETag } = await upload.put(PartNumber, Readable.from(chunks), part.length);
        return { PartNumber, ETag };
      }),
    );
    const done = await upload.complete(parts.sort((a, b) => a.PartNumber - b.PartNumber));

    expect(await sha256(client)).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(done.ETag).toMatch(/^"[\da-f]{32}-8"$/);
    expect(await client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
      ContentLength: 67_108_864,
      ContentType: 'video/mp4',
      ETag: done.ETag,
      Metadata: { n: '1' },
    });
    expect(events.map(({ Records: [record] }) => [record?.eventName, record?.s3.object.size])).toEqual([
      ['ObjectCreated:CompleteMultipartUpload', 67_108_864],
    ]);
  });
});

it('reads a range across parts', async () => {
  const { client } = await s3World();
  const upload = await startUpload(client);
  const first = await upload.put(1, Buffer.alloc(5 * MIB, 'a'));
  const second = await upload.put(2, Buffer.from('bbbb'));
  await upload.complete([
    { PartNumber: 1, ETag: first.ETag },
    { PartNumber: 2, ETag: second.ETag },
  ]);

  const range = `bytes=${5 * MIB - 2}-${5 * MIB + 1}`;
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, Range: range }));

  expect(await Body?.transformToString()).toBe('aabb');
});

it('keeps every part of an object during a read, even if the object is replaced or deleted', async () => {
  const { client } = await s3World();
  const upload = await startUpload(client);
  const bytes = Buffer.alloc(16 * MIB, 'old');
  const first = await upload.put(1, bytes.subarray(0, 15 * MIB));
  const second = await upload.put(2, bytes.subarray(15 * MIB));
  await upload.complete([
    { PartNumber: 1, ETag: first.ETag },
    { PartNumber: 2, ETag: second.ETag },
  ]);

  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'new' }));
  const { Body: replaced } = await client.send(new GetObjectCommand({ Bucket, Key }));
  await client.send(new DeleteObjectCommand({ Bucket, Key }));

  expect(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  expect(await replaced?.transformToString()).toBe('new');
});

it('uses the MD5 of the parts’ MD5s as the ETag', async () => {
  const { client } = await s3World();
  const upload = await startUpload(client);
  const { ETag } = await upload.put(1, Buffer.from('hello'));

  const done = await upload.complete([{ PartNumber: 1, ETag }]);

  // printf hello | openssl md5 -binary | md5sum
  expect(done.ETag).toBe('"62109206880d38a4010a98e11243924a-1"');
});

it('keeps the last part with the same number, and removes parts that the list omits', async () => {
  const { client } = await s3World();
  const upload = await startUpload(client);
  await upload.put(1, Buffer.from('first'));
  const { ETag } = await upload.put(1, Buffer.from('again'));
  await upload.put(2, Buffer.from('left out'));

  await upload.complete([{ PartNumber: 1, ETag }]);

  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  expect(await Body?.transformToString()).toBe('again');
});

it('refuses a wrong list and keeps the upload', async () => {
  const { client, events } = await s3World();
  const upload = await startUpload(client);
  const [one, two] = [
    await upload.put(1, Buffer.from('small')),
    await upload.put(2, Buffer.from('small too')),
  ];
  const part = (PartNumber: number, { ETag }: { ETag?: string | undefined }) => ({ PartNumber, ETag });

  expect(await outcome(upload.complete([part(1, one), part(2, two)]))).toBe('EntityTooSmall');
  expect(await outcome(upload.complete([part(2, two), part(1, one)]))).toBe('InvalidPartOrder');
  expect(await outcome(upload.complete([part(1, two)]))).toBe('InvalidPart');
  expect(await outcome(upload.complete([part(3, one)]))).toBe('InvalidPart');
  expect(await outcome(upload.complete([]))).toBe('MalformedXML');
  expect(events).toEqual([]);
  await upload.complete([part(2, two)]);
  expect(await outcome(upload.complete([part(2, two)]))).toBe('NoSuchUpload');
  expect(await outcome(upload.put(1, Buffer.from('late')))).toBe('NoSuchUpload');
});

it('removes everything of an aborted upload', async () => {
  const { client } = await s3World();
  const upload = await startUpload(client);
  const { ETag } = await upload.put(1, Buffer.from('x'));

  await upload.abort();

  expect(await outcome(upload.abort())).toBe('NoSuchUpload');
  expect(await outcome(upload.list())).toBe('NoSuchUpload');
  expect(await outcome(upload.complete([{ PartNumber: 1, ETag }]))).toBe('NoSuchUpload');
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  expect(Uploads).toBeUndefined();
});

it('finds an upload only under its own key', async () => {
  const { client } = await s3World();
  const { UploadId } = await startUpload(client);

  const other = client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'other', UploadId }));

  expect(await outcome(other)).toBe('NoSuchUpload');
});

it('lists parts page by page', async () => {
  const { client } = await s3World();
  const upload = await startUpload(client);
  for (const number of [9, 2, 5]) await upload.put(number, Buffer.from(`part ${number}`));

  const first = await upload.list({ MaxParts: 2 });
  const second = await upload.list({ MaxParts: 2, PartNumberMarker: first.NextPartNumberMarker });

  expect(first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
    [2, 6],
    [5, 6],
  ]);
  expect([first.IsTruncated, second.IsTruncated]).toEqual([true, false]);
  expect(second.Parts?.map(({ PartNumber, ETag }) => [PartNumber, ETag])).toEqual([
    [9, `"${createHash('md5').update('part 9').digest('hex')}"`],
  ]);
});

it('lists uploads by prefix and page by page', async () => {
  const { client } = await s3World();
  for (const key of ['outputs/b', 'outputs/a', 'inputs/c', 'outputs/a'])
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: key }));
  const list = (more: object) =>
    client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'outputs/', MaxUploads: 2, ...more }));

  const first = await list({});
  const second = await list({
    KeyMarker: first.NextKeyMarker,
    UploadIdMarker: first.NextUploadIdMarker,
  });

  expect(first.Uploads?.map((upload) => upload.Key)).toEqual(['outputs/a', 'outputs/a']);
  expect(second.Uploads?.map((upload) => upload.Key)).toEqual(['outputs/b']);
  expect([first.IsTruncated, second.IsTruncated]).toEqual([true, false]);
});

describe('checksums', () => {
  it('combine the parts’ checksums if the upload was created with one', async () => {
    const { client } = await s3World();
    const upload = await startUpload(client, { ChecksumAlgorithm: 'CRC32' });
    const part = await upload.put(1, Buffer.from('hello'));
    expect(part.ChecksumCRC32).toBe('NhCmhg==');

    expect(await outcome(upload.complete([{ PartNumber: 1, ETag: part.ETag }]))).toBe('InvalidRequest');
    const listed = { PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 };
    expect(await outcome(upload.complete([{ ...listed, ChecksumCRC32: 'AAAAAA==' }]))).toBe('InvalidPart');
    const done = await upload.complete([listed]);

    // CRC-32 of the four bytes 36 10 a6 86.
    expect(done).toMatchObject({ ChecksumCRC32: 'FKTmaw==-1', ChecksumType: 'COMPOSITE' });
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(await Body?.transformToString()).toBe('hello');
  });

  it('may cover the whole object', async () => {
    const { client } = await s3World();
    const upload = await startUpload(client, { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    const part = await upload.put(1, Buffer.from('hello'));
    const list = [{ PartNumber: 1, ETag: part.ETag }];

    expect(await outcome(upload.complete(list, { ChecksumCRC32: 'AAAAAA==' }))).toBe('BadDigest');
    expect(await upload.complete(list, { ChecksumCRC32: 'NhCmhg==' })).toMatchObject({
      ChecksumCRC32: 'NhCmhg==',
      ChecksumType: 'FULL_OBJECT',
    });
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(await Body?.transformToString()).toBe('hello');
  });

  it('must use the upload’s algorithm', async () => {
    const { client } = await s3World();
    const upload = await startUpload(client, { ChecksumAlgorithm: 'SHA256' });

    // The SDK sends CRC-32 by default.
    expect(await outcome(upload.put(1, Buffer.from('x')))).toBe('InvalidRequest');
  });

  it('are not stored if the upload was created without one', async () => {
    const { client } = await s3World();
    const upload = await startUpload(client);
    const { ETag, ChecksumCRC32 } = await upload.put(1, Buffer.from('hello'));

    const result = await outcome(upload.complete([{ PartNumber: 1, ETag, ChecksumCRC32 }]));

    expect([ChecksumCRC32, result]).toEqual(['NhCmhg==', 'InvalidPart']);
  });
});

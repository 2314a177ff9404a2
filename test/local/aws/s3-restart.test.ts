import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { Key, startUpload, uploadOf } from './s3-upload.ts';
import { Bucket, outcome, s3World, temporaryDirectory } from './s3-world.ts';

const MIB = 1024 ** 2;

const put = (client: S3Client, key: string, Body: string) =>
  client.send(new PutObjectCommand({ Bucket, Key: key, Body }));

const read = async (client: S3Client, key: string): Promise<string | undefined> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key }));
  return Body?.transformToString();
};

it('finds stored objects, and continues to increase sequencers', async () => {
  const dataDir = await temporaryDirectory();
  const before = await s3World({ dataDir });
  await put(before.client, 'kept', 'one');
  await put(before.client, 'replaced', 'old');
  await put(before.client, 'replaced', 'new');
  await put(before.client, 'deleted', 'gone');
  await before.client.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }));
  await before.stop();

  const after = await s3World({ dataDir });
  const found = [await read(after.client, 'kept'), await read(after.client, 'replaced')];
  await put(after.client, 'kept', 'two');

  expect(found).toEqual(['one', 'new']);
  expect(await outcome(read(after.client, 'deleted'))).toBe('NoSuchKey');
  const sequencers = [...before.events, ...after.events].map(
    ({ Records: [record] }) => record?.s3.object.sequencer ?? '',
  );
  expect(sequencers).toEqual(sequencers.toSorted());
  expect(new Set(sequencers).size).toBe(5);
});

it('continues an upload', async () => {
  const dataDir = await temporaryDirectory();
  const before = await s3World({ dataDir });
  const { UploadId, put: putPart } = await startUpload(before.client);
  const first = await putPart(1, Buffer.alloc(5 * MIB, 'a'));
  await before.stop();

  const after = await s3World({ dataDir });
  await put(after.client, Key, 'in between');
  const upload = uploadOf(after.client, UploadId);
  const second = await upload.put(2, Buffer.from('b'));
  await upload.complete([
    { PartNumber: 1, ETag: first.ETag },
    { PartNumber: 2, ETag: second.ETag },
  ]);

  const head = await after.client.send(new HeadObjectCommand({ Bucket, Key }));
  expect(head.ContentLength).toBe(5 * MIB + 1);
});

it('does not reopen an upload that was completed just before the process ended', async () => {
  const dataDir = await temporaryDirectory();
  const before = await s3World({ dataDir });
  const { UploadId, put: putPart, complete } = await startUpload(before.client);
  const { ETag } = await putPart(1, Buffer.from('hello'));
  const record = join(dataDir, Bucket, 'uploads', `${UploadId}.json`);
  await copyFile(record, join(dataDir, 'aside'));
  await complete([{ PartNumber: 1, ETag }]);
  await before.stop();
  await copyFile(join(dataDir, 'aside'), record);

  const after = await s3World({ dataDir });

  expect(await outcome(uploadOf(after.client, UploadId).abort())).toBe('NoSuchUpload');
  expect(await read(after.client, Key)).toBe('hello');
});

it('removes incomplete files', async () => {
  const dataDir = await temporaryDirectory();
  const before = await s3World({ dataDir });
  await put(before.client, 'a', 'whole');
  await before.stop();
  const under = (...names: string[]) => join(dataDir, Bucket, ...names);
  await writeFile(under('data', 'half'), 'ha');
  await writeFile(under('temporary', 'half'), '{');

  const after = await s3World({ dataDir });

  expect(await read(after.client, 'a')).toBe('whole');
  expect(await readdir(under('data'))).toHaveLength(1);
  expect(await readdir(under('temporary'))).toEqual([]);
});

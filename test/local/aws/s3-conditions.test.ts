import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { Bucket, outcome, s3World } from './s3-world.ts';

const RACERS = Array.from({ length: 20 }, (_, index) => `racer-${index}`);

/** The HTTP status of the error. The SDK has no error name for a response without a body. */
const status = <T>(work: Promise<T>): Promise<T | number> =>
  work.catch(
    (error: unknown) => (error instanceof S3ServiceException && error.$metadata.httpStatusCode) || 0,
  );

const winners = (results: readonly unknown[]) =>
  results.filter((result) => typeof result !== 'string').length;
const losers = (results: readonly unknown[]) =>
  new Set(results.filter((result) => typeof result === 'string'));

it('lets only one of many writers create an object that must not exist', async () => {
  const { client, events } = await s3World();

  const results = await Promise.all(
    RACERS.map((Body) =>
      outcome(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body, IfNoneMatch: '*' }))),
    ),
  );

  expect(winners(results)).toBe(1);
  expect(losers(results)).toEqual(new Set(['PreconditionFailed']));
  expect(events).toHaveLength(1);
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
  expect(await Body?.transformToString()).toBe(RACERS[results.findIndex((one) => typeof one !== 'string')]);
});

it('lets only one of many writers replace the version that all have read', async () => {
  const { client } = await s3World();
  const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'seen' }));

  const results = await Promise.all(
    RACERS.map((Body) =>
      outcome(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body, ...(ETag && { IfMatch: ETag }) }))),
    ),
  );

  expect(winners(results)).toBe(1);
  expect(losers(results)).toEqual(new Set(['PreconditionFailed']));
});

it('refuses to replace a missing object', async () => {
  const { client } = await s3World();

  const put = client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', IfMatch: '"some"' }));

  expect(await outcome(put)).toBe('NoSuchKey');
});

it('lets only one of many uploads complete for a key that must not exist, and keeps the other uploads', async () => {
  const { client } = await s3World();
  const uploads = await Promise.all(
    RACERS.map(async (Body) => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
      const { ETag } = await client.send(
        new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body }),
      );
      return { UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
    }),
  );
  const complete = (upload: (typeof uploads)[number], condition: object) =>
    outcome(client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'a', ...upload, ...condition })));

  const results = await Promise.all(uploads.map((upload) => complete(upload, { IfNoneMatch: '*' })));
  const again = await Promise.all(uploads.map((upload) => complete(upload, {})));

  expect(winners(results)).toBe(1);
  expect(losers(results)).toEqual(new Set(['PreconditionFailed']));
  expect(winners(again)).toBe(19);
  expect(losers(again)).toEqual(new Set(['NoSuchUpload']));
});

it('checks conditions of reads', async () => {
  const { client } = await s3World();
  const { ETag = '' } = await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
  const yesterday = new Date(Date.now() - 86_400_000);
  const tomorrow = new Date(Date.now() + 86_400_000);
  const get = async (condition: object) => {
    const result = await status(client.send(new GetObjectCommand({ Bucket, Key: 'a', ...condition })));
    return typeof result === 'number' ? result : result.Body?.transformToString();
  };
  const head = async (condition: object) => {
    const result = await status(client.send(new HeadObjectCommand({ Bucket, Key: 'a', ...condition })));
    return typeof result === 'number' ? result : result.ETag;
  };

  expect(await get({ IfMatch: ETag })).toBe('x');
  expect(await get({ IfMatch: ETag.replaceAll('"', '') })).toBe('x');
  expect(await get({ IfMatch: '"other"' })).toBe(412);
  expect(await get({ IfNoneMatch: '"other"' })).toBe('x');
  expect(await get({ IfNoneMatch: ETag })).toBe(304);
  expect(await get({ IfModifiedSince: yesterday })).toBe('x');
  expect(await get({ IfModifiedSince: tomorrow })).toBe(304);
  expect(await get({ IfUnmodifiedSince: yesterday })).toBe(412);
  expect(await get({ IfMatch: ETag, IfUnmodifiedSince: yesterday })).toBe('x');
  expect(await head({ IfMatch: ETag })).toBe(ETag);
  expect(await head({ IfMatch: '"other"' })).toBe(412);
  expect(await head({ IfNoneMatch: ETag })).toBe(304);
});

it('deletes only the given version, if any', async () => {
  const { client } = await s3World();
  const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'seen' }));
  const remove = () =>
    outcome(client.send(new DeleteObjectCommand({ Bucket, Key: 'a', ...(ETag && { IfMatch: ETag }) })));
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'another' }));

  expect(await remove()).toBe('PreconditionFailed');
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'seen' }));
  expect(await remove()).toMatchObject({ $metadata: { httpStatusCode: 204 } });
  expect(await remove()).toBe('NoSuchKey');
});

import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { Bucket, outcome, s3World } from './s3-world.ts';

it('describes an object like S3', async () => {
  const { client, events } = await s3World();

  await client.send(new PutObjectCommand({ Bucket, Key: "requests/my photo+1 (ü)'~*!.json", Body: 'hello' }));

  expect(events).toEqual([
    {
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          awsRegion: 'us-east-1',
          eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          eventName: 'ObjectCreated:Put',
          userIdentity: { principalId: expect.any(String) },
          requestParameters: { sourceIPAddress: '127.0.0.1' },
          responseElements: { 'x-amz-request-id': expect.any(String), 'x-amz-id-2': expect.any(String) },
          s3: {
            s3SchemaVersion: '1.0',
            configurationId: expect.any(String),
            bucket: {
              name: 'photos',
              ownerIdentity: { principalId: expect.any(String) },
              arn: 'arn:aws:s3:::photos',
            },
            object: {
              key: 'requests/my+photo%2B1+%28%C3%BC%29%27%7E*%21.json',
              size: 5,
              eTag: '5d41402abc4b2a76b9719d911017c592',
              sequencer: expect.stringMatching(/^[\dA-F]{18}$/),
            },
          },
        },
      ],
    },
  ]);
});

it('is sent once for every way to create an object, and for nothing else', async () => {
  const { client, events } = await s3World();

  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
  await outcome(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'y', IfNoneMatch: '*' })));
  await client.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a` }));
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'c' }));
  const { ETag } = await client.send(
    new UploadPartCommand({ Bucket, Key: 'c', UploadId, PartNumber: 1, Body: 'x' }),
  );
  await client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key: 'c',
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  );
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));

  const records = events.flatMap(({ Records }) => Records);
  expect(records.map(({ eventName, s3 }) => [eventName, s3.object.key])).toEqual([
    ['ObjectCreated:Put', 'a'],
    ['ObjectCreated:Copy', 'b'],
    ['ObjectCreated:CompleteMultipartUpload', 'c'],
  ]);
});

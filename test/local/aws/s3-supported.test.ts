import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { LOCAL_ACCOUNT } from '../../../local/aws/lambda-types.ts';
import { Bucket, outcome, s3World } from './s3-world.ts';
import { signedFetch } from './signed-fetch.ts';

const errorOf = async (work: Promise<unknown>): Promise<S3ServiceException> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof S3ServiceException) return error;
  throw new Error('no error of S3', { cause: error });
};

const customerKey = Buffer.alloc(32, 'k');

describe('what the embedded S3 would drop', () => {
  it.each<[name: string, Partial<PutObjectCommandInput>]>([
    [
      'x-amz-server-side-encryption-customer-algorithm',
      { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customerKey.toString('latin1') },
    ],
    ['x-amz-server-side-encryption', { ServerSideEncryption: 'aws:kms' }],
    ['x-amz-tagging', { Tagging: 'a=b' }],
    ['x-amz-acl', { ACL: 'public-read' }],
    ['x-amz-grant-read', { GrantRead: 'id=1' }],
    ['x-amz-storage-class', { StorageClass: 'GLACIER' }],
    ['x-amz-write-offset-bytes', { WriteOffsetBytes: 5 }],
    ['x-amz-website-redirect-location', { WebsiteRedirectLocation: '/b' }],
    ['x-amz-object-lock-mode', { ObjectLockMode: 'GOVERNANCE' }],
  ])('is refused with 501, and nothing is stored: %s', async (name, more) => {
    const { client } = await s3World();

    const error = await errorOf(client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', ...more })));

    expect([error.name, error.$metadata.httpStatusCode]).toEqual(['NotImplemented', 501]);
    expect(error.message).toContain(name);
    expect(await outcome(client.send(new HeadObjectCommand({ Bucket, Key: 'a' })))).toBe('NotFound');
  });

  it('is refused in a presigned URL and in other operations too', async () => {
    const { client, endpoint } = await s3World();
    const fetch = signedFetch('s3');
    const statusOf = async (target: string, init: RequestInit) =>
      (await fetch(`${endpoint}/${Bucket}${target}`, init)).status;

    expect([
      await statusOf('/a?x-amz-tagging=a%3Db', { method: 'PUT', body: 'x' }),
      await statusOf('?acl', { method: 'GET' }),
      await statusOf('', { method: 'PUT', headers: { 'x-amz-bucket-object-lock-enabled': 'true' } }),
      await statusOf('/a', { method: 'DELETE', headers: { 'x-amz-mfa': '1 2' } }),
    ]).toEqual([501, 501, 501, 501]);
    expect(await outcome(client.send(new GetBucketAclCommand({ Bucket })))).toBe('NotImplemented');
  });

  it('is refused in a document: versions, regions, and whatever is new', async () => {
    const { client, endpoint } = await s3World();
    const fetch = signedFetch('s3');
    for (const Key of ['a', 'b']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const elements = async (xml: string) => {
      const response = await fetch(`${endpoint}/${Bucket}?delete`, { method: 'POST', body: xml });
      return [response.status, /<Code>(\w+)</.exec(await response.text())?.[1]];
    };

    const version = await errorOf(
      client.send(
        new DeleteObjectsCommand({
          Bucket,
          Delete: { Objects: [{ Key: 'b' }, { Key: 'a', VersionId: 'v1' }] },
        }),
      ),
    );
    const region = await errorOf(
      client.send(
        new CreateBucketCommand({
          Bucket: 'elsewhere',
          CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
        }),
      ),
    );

    expect(version.message).toContain('"VersionId"');
    expect(region.message).toContain('"LocationConstraint"');
    expect(await elements('<Delete><Object><Key>a</Key><Size>9</Size></Object></Delete>')).toEqual([
      501,
      'NotImplemented',
    ]);
    expect(await elements('<Delete><Object><Key>a</Key></Object><Force>1</Force></Delete>')).toEqual([
      501,
      'NotImplemented',
    ]);
    expect(await elements('<Delete><Object><Key x="1">a</Key></Object></Delete>')).toEqual([
      400,
      'MalformedXML',
    ]);
    for (const Key of ['a', 'b'])
      expect(await client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({ ContentLength: 1 });
  });
});

describe('what has an effect', () => {
  it('is accepted with the values that describe the embedded S3', async () => {
    const { client } = await s3World();

    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: 'a',
        Body: 'x',
        ACL: 'private',
        StorageClass: 'STANDARD',
        RequestPayer: 'requester',
        ExpectedBucketOwner: LOCAL_ACCOUNT,
      }),
    );

    expect((await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'a' }))).TagSet).toEqual([]);
  });

  it('is the expected owner of a bucket', async () => {
    const { client } = await s3World();

    const put = new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', ExpectedBucketOwner: '111111111111' });

    expect(await outcome(client.send(put))).toBe('AccessDenied');
  });

  it('is the ETag of an object to delete', async () => {
    const { client } = await s3World();
    for (const Key of ['a', 'b']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'hello' }));
    const ETag = '"5d41402abc4b2a76b9719d911017c592"';

    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: 'a', ETag }, { Key: 'b', ETag: '"other"' }, { Key: 'c' }] },
      }),
    );

    expect(Deleted?.map(({ Key }) => Key)).toEqual(['a', 'c']);
    expect(Errors).toMatchObject([{ Key: 'b', Code: 'PreconditionFailed' }]);
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'b' }))).toMatchObject({
      ContentLength: 5,
    });
  });

  it('is a CRC64NVME', async () => {
    const { client } = await s3World();
    const put = (Body: string) =>
      client.send(new PutObjectCommand({ Bucket, Key: 'a', Body, ChecksumCRC64NVME: 'rosUhgp5mIg=' }));

    expect(await outcome(put('123456780'))).toBe('BadDigest');
    expect(await put('123456789')).toMatchObject({ ChecksumCRC64NVME: 'rosUhgp5mIg=' });
  });

  it('is the size and the checksum of a whole upload', async () => {
    const { client } = await s3World();
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    const complete = (more: object) =>
      client.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key: 'a',
          UploadId,
          MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"5d41402abc4b2a76b9719d911017c592"' }] },
          ...more,
        }),
      );
    await client.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body: 'hello' }));

    expect(await outcome(complete({ MpuObjectSize: 6 }))).toBe('InvalidRequest');
    expect(await outcome(complete({ ChecksumSHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=' }))).toBe(
      'InvalidRequest',
    );
    expect(await outcome(complete({ ChecksumType: 'FULL_OBJECT' }))).toBe('InvalidRequest');
    expect(await complete({ MpuObjectSize: 5 })).toMatchObject({ Key: 'a' });
  });
});

it('names the request in an error, in the header and in the document', async () => {
  const { client, endpoint } = await s3World();

  const response = await signedFetch('s3')(`${endpoint}/${Bucket}/missing`);
  const { $metadata } = await errorOf(client.send(new GetObjectCommand({ Bucket, Key: 'missing' })));

  const xml = await response.text();
  expect(/<RequestId>(.+)<\/RequestId>/.exec(xml)?.[1]).toBe(response.headers.get('x-amz-request-id'));
  expect(/<HostId>(.+)<\/HostId>/.exec(xml)?.[1]).toBe(response.headers.get('x-amz-id-2'));
  expect($metadata.requestId).toMatch(/^[0-9A-F]{16}$/);
});

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../../../local/aws/credentials.ts';
import { Bucket, outcome, s3World } from './s3-world.ts';

const KEY = 'out puts/ü+%.txt';

async function presignedWorld() {
  const world = await s3World({ client: { requestChecksumCalculation: 'WHEN_REQUIRED' } });
  await world.client.send(new PutObjectCommand({ Bucket, Key: KEY, Body: 'hello', ContentType: 'text/x' }));
  const get = new GetObjectCommand({ Bucket, Key: KEY, ResponseContentDisposition: 'attachment' });
  const url = await getSignedUrl(world.client, get, { expiresIn: 60 });
  return { ...world, get, url };
}

async function fetched(url: string, init?: RequestInit): Promise<[status: number, body: string]> {
  const response = await fetch(url, init);
  const body = await response.text();
  return [response.status, /<Code>(.*)<\/Code>/.exec(body)?.[1] ?? body];
}

describe('a presigned URL', () => {
  it('lets anyone read the object any number of times', async () => {
    const { url } = await presignedWorld();

    const response = await fetch(url);

    expect([response.status, await response.text()]).toEqual([200, 'hello']);
    expect(response.headers.get('content-disposition')).toBe('attachment');
    expect(response.headers.get('content-type')).toBe('text/x');
    expect(await fetched(url, { headers: { range: 'bytes=1-2' } })).toEqual([206, 'el']);
  });

  it('lets a client write', async () => {
    const { client } = await presignedWorld();
    const command = new PutObjectCommand({ Bucket, Key: 'in', ContentType: 'text/y', IfNoneMatch: '*' });
    const url = await getSignedUrl(client, command, {
      expiresIn: 60,
      signableHeaders: new Set(['content-type']),
    });
    const put = (type: string) =>
      fetched(url, { method: 'PUT', body: 'hi', headers: { 'content-type': type, 'if-none-match': '*' } });

    expect(await put('text/other')).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await put('text/y')).toEqual([200, '']);
    expect(await put('text/y')).toEqual([412, 'PreconditionFailed']);
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'in' }));
    expect(await Body?.transformToString()).toBe('hi');
  });

  it('expires', async () => {
    const { client, get } = await presignedWorld();
    const signed = (agoSeconds: number) =>
      getSignedUrl(client, get, { expiresIn: 60, signingDate: new Date(Date.now() - agoSeconds * 1000) });

    expect(await fetched(await signed(30))).toEqual([200, 'hello']);
    expect(await fetched(await signed(62))).toEqual([403, 'AccessDenied']);
    expect(await fetched(await signed(-3600))).toEqual([403, 'AccessDenied']);
  });

  it.each([
    ['the key', (url: string) => url.replace('.txt', '.tx2')],
    [
      'the signature',
      (url: string) => url.replace(/Signature=(.)/, (_, c) => `Signature=${c === '0' ? 1 : 0}`),
    ],
    ['the expiry', (url: string) => url.replace('Expires=60', 'Expires=61')],
    ['an overridden header', (url: string) => url.replace('=attachment', '=inline')],
    ['an addition', (url: string) => `${url}&response-content-type=text/html`],
  ])('is invalid after a change of %s', async (_, change) => {
    const { url } = await presignedWorld();

    expect(change(url)).not.toBe(url);
    expect(await fetched(change(url))).toEqual([403, 'SignatureDoesNotMatch']);
  });

  it('is only valid for its method and without additional x-amz headers', async () => {
    const { url } = await presignedWorld();

    expect(await fetched(url, { method: 'PUT', body: 'x' })).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await fetched(url, { method: 'DELETE' })).toEqual([403, 'SignatureDoesNotMatch']);
    expect(await fetched(url, { headers: { 'x-amz-copy-source': 'a/b' } })).toEqual([403, 'AccessDenied']);
  });

  it('cannot contain a file name beyond ISO-8859-1, as in S3', async () => {
    const { client } = await presignedWorld();
    const url = (name: string) =>
      getSignedUrl(
        client,
        new GetObjectCommand({ Bucket, Key: KEY, ResponseContentDisposition: `inline; filename="${name}"` }),
      );

    expect(await fetched(await url('süß.png'))).toEqual([200, 'hello']);
    expect(await fetched(await url('猫.png'))).toEqual([400, 'InvalidArgument']);
    expect(await fetched(await url('a\r\nset-cookie: b'))).toEqual([400, 'InvalidArgument']);
  });

  it('cannot be valid for more than a week', async () => {
    const { url } = await presignedWorld();

    expect(await fetched(url.replace('Expires=60', 'Expires=604801'))).toEqual([
      400,
      'AuthorizationQueryParametersError',
    ]);
  });
});

describe('a request', () => {
  it('without a signature is refused', async () => {
    const { endpoint } = await presignedWorld();

    expect(await fetched(`${endpoint}/${Bucket}/in`)).toEqual([403, 'AccessDenied']);
    expect(await fetched(`${endpoint}/`)).toEqual([403, 'AccessDenied']);
    expect(await fetched(`${endpoint}/${Bucket}/in`, { method: 'PUT', body: 'x' })).toEqual([
      403,
      'AccessDenied',
    ]);
  });

  it.each([
    ['InvalidAccessKeyId', { ...LOCAL_CREDENTIALS, accessKeyId: 'other' }],
    ['SignatureDoesNotMatch', { ...LOCAL_CREDENTIALS, secretAccessKey: 'other' }],
  ])('with other credentials fails with %s', async (code, credentials) => {
    const { endpoint } = await presignedWorld();
    const client = new S3Client({ endpoint, region: LOCAL_REGION, credentials });

    expect(await outcome(client.send(new GetObjectCommand({ Bucket, Key: KEY })))).toBe(code);
    client.destroy();
  });

  it('with a body other than the signed one is refused', async () => {
    const { endpoint } = await presignedWorld();
    const other = new AwsClient({ ...LOCAL_CREDENTIALS, service: 's3', region: LOCAL_REGION, retries: 0 });
    const put = async (body: string) => {
      const { status } = await other.fetch(`${endpoint}/${Bucket}/in`, {
        method: 'PUT',
        body,
        // sha256 of "hello"
        headers: {
          'x-amz-content-sha256': '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
        },
      });
      return status;
    };

    expect(await put('hullo')).toBe(400);
    expect(await put('hello')).toBe(200);
  });

  it('with a clock error of an hour is refused', async () => {
    const { endpoint } = await presignedWorld();
    const client = new S3Client({
      endpoint,
      region: LOCAL_REGION,
      credentials: LOCAL_CREDENTIALS,
      systemClockOffset: 3_600_000,
      maxAttempts: 1,
    });

    const result = await outcome(client.send(new GetObjectCommand({ Bucket, Key: KEY })));

    expect(result).toBe('RequestTimeTooSkewed');
    client.destroy();
  });
});

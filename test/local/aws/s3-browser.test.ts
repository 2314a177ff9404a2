import { createHmac } from 'node:crypto';
import {
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { Bucket, outcome, s3World } from './s3-world.ts';

const CREDENTIAL = 'local/20260131/us-east-1/s3/aws4_request';

/** Signs a form like AWS's documentation, independently of the code under test. */
function formOf(
  conditions: readonly unknown[],
  fields: Readonly<Record<string, string>>,
  { body = 'hello', expiration = '2999-01-01T00:00:00Z', secret = 'local-secret' } = {},
): FormData {
  const signing = { 'x-amz-algorithm': 'AWS4-HMAC-SHA256', 'x-amz-credential': CREDENTIAL };
  const document = { expiration, conditions: [...conditions, { bucket: Bucket }, signing] };
  const policy = Buffer.from(JSON.stringify(document)).toString('base64');
  const key = ['20260131', 'us-east-1', 's3', 'aws4_request'].reduce<string | Buffer>(
    (parent, part) => createHmac('sha256', parent).update(part).digest(),
    `AWS4${secret}`,
  );
  const signature = createHmac('sha256', key).update(policy).digest('hex');
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...signing, policy, 'X-Amz-Signature': signature }))
    form.append(name, value);
  form.append('file', new File([body], 'my cat.png'));
  form.append('submit', 'Upload');
  return form;
}

const STARTS = [['starts-with', '$key', 'up/']];
const FIELDS = { key: `up/${'$'}{filename}` };

describe('a presigned form', () => {
  it('stores a file under its name, with the fields as headers', async () => {
    const { client, endpoint, events } = await s3World();
    const conditions = [
      ...STARTS,
      { 'Content-Type': 'image/png' },
      ['starts-with', '$x-amz-meta-user', ''],
      ['content-length-range', 1, 5],
      { success_action_status: '201' },
    ];
    const fields = {
      ...FIELDS,
      'Content-Type': 'image/png',
      'x-amz-meta-user': 'ann',
      success_action_status: '201',
    };

    const response = await fetch(`${endpoint}/${Bucket}`, {
      method: 'POST',
      body: formOf(conditions, fields),
    });

    expect([response.status, await response.text()]).toEqual([
      201,
      expect.stringContaining('<Key>up/my cat.png</Key>'),
    ]);
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'up/my cat.png' }));
    expect(await got.Body?.transformToString()).toBe('hello');
    expect(got).toMatchObject({ ContentType: 'image/png', Metadata: { user: 'ann' } });
    expect(events[0]?.Records[0]?.eventName).toBe('ObjectCreated:Post');
  });

  it('answers 204, or leads to a page', async () => {
    const { endpoint } = await s3World();
    const page = 'https://app.example.com/done?x=1';
    const send = (body: FormData) =>
      fetch(`${endpoint}/${Bucket}`, { method: 'POST', body, redirect: 'manual' });

    const plain = await send(formOf(STARTS, FIELDS));
    const led = await send(
      formOf([...STARTS, { success_action_redirect: page }], { ...FIELDS, success_action_redirect: page }),
    );

    expect([plain.status, plain.headers.get('location')]).toEqual([204, `/${Bucket}/up/my%20cat.png`]);
    expect([led.status, led.headers.get('location')]).toEqual([
      303,
      `${page}&bucket=${Bucket}&key=up%2Fmy+cat.png&etag=%225d41402abc4b2a76b9719d911017c592%22`,
    ]);
  });

  it.each<[string, string, () => FormData]>([
    ['another key', 'AccessDenied', () => formOf(STARTS, { key: 'other' })],
    ['a field without a condition', 'AccessDenied', () => formOf(STARTS, { ...FIELDS, 'Content-Type': 'x' })],
    ['a late form', 'AccessDenied', () => formOf(STARTS, FIELDS, { expiration: '2020-01-01T00:00:00Z' })],
    ['another secret', 'SignatureDoesNotMatch', () => formOf(STARTS, FIELDS, { secret: 'other' })],
    ['a large file', 'EntityTooLarge', () => formOf([...STARTS, ['content-length-range', 0, 4]], FIELDS)],
    ['a small file', 'EntityTooSmall', () => formOf([...STARTS, ['content-length-range', 6, 9]], FIELDS)],
    [
      'an unknown condition',
      'InvalidPolicyDocument',
      () => formOf([...STARTS, ['matches', '$key', '.*']], FIELDS),
    ],
    ['tags', 'NotImplemented', () => formOf([...STARTS, { tagging: 'x' }], { ...FIELDS, tagging: 'x' })],
    [
      'a public file',
      'NotImplemented',
      () => formOf([...STARTS, { acl: 'public-read' }], { ...FIELDS, acl: 'public-read' }),
    ],
  ])('refuses %s and stores nothing', async (_, code, form) => {
    const { client, endpoint } = await s3World();

    const response = await fetch(`${endpoint}/${Bucket}`, { method: 'POST', body: form() });

    expect(/<Code>(\w+)</.exec(await response.text())?.[1]).toBe(code);
    const head = client.send(new HeadObjectCommand({ Bucket, Key: 'up/my cat.png' }));
    expect(await outcome(head)).toBe('NotFound');
  });
});

describe('a page of another origin', () => {
  const CORSRules = [
    {
      AllowedOrigins: ['http://localhost:*', 'https://app.example.com'],
      AllowedMethods: ['PUT', 'GET'],
      AllowedHeaders: ['content-*'],
      ExposeHeaders: ['ETag'],
      MaxAgeSeconds: 60,
    },
  ];
  const preflight = (endpoint: string, origin: string, method: string, headers: string) =>
    fetch(`${endpoint}/${Bucket}/a`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      },
    });

  it('may send what a rule of the bucket allows', async () => {
    const { client, endpoint, dataDir, stop } = await s3World();
    const before = await outcome(client.send(new GetBucketCorsCommand({ Bucket })));
    const disabled = await preflight(endpoint, 'http://localhost:5173', 'PUT', 'content-type');
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    await stop();
    const later = await s3World({ dataDir });

    const ask = (...given: [string, string, string]) => preflight(later.endpoint, ...given);
    const allowed = await ask('http://localhost:5173', 'PUT', 'Content-Type');
    const refused = [
      await ask('http://evil.example', 'PUT', 'content-type'),
      await ask('https://app.example.com', 'DELETE', 'content-type'),
      await ask('https://app.example.com', 'PUT', 'x-amz-meta-a'),
    ];

    expect([before, disabled.status]).toEqual(['NoSuchCORSConfiguration', 403]);
    expect((await later.client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toMatchObject(
      CORSRules,
    );
    expect([allowed.status, Object.fromEntries(allowed.headers)]).toMatchObject([
      200,
      {
        'access-control-allow-origin': 'http://localhost:5173',
        'access-control-allow-methods': 'PUT, GET',
        'access-control-allow-headers': 'content-type',
        'access-control-max-age': '60',
      },
    ]);
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403]);
  });

  it('may read the response, also an error', async () => {
    const { client, endpoint } = await s3World();
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    const read = (origin: string) => fetch(`${endpoint}/${Bucket}/a`, { headers: { origin } });

    const allowed = await read('https://app.example.com');
    const other = await read('https://other.example.com');
    await client.send(new DeleteBucketCorsCommand({ Bucket }));
    const after = await read('https://app.example.com');

    expect(allowed.status).toBe(403);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(allowed.headers.get('access-control-expose-headers')).toBe('ETag');
    expect(other.headers.has('access-control-allow-origin')).toBe(false);
    expect(after.headers.has('access-control-allow-origin')).toBe(false);
  });
});

import { expect, it } from 'vitest';
import type { Service } from '../faults/name-operation.ts';
import { neededRights } from './needed-rights.ts';

/** What a request needs, as `action on resource`. */
function rights(
  service: Service,
  line: string,
  {
    headers = {},
    body,
    statusCode = 200,
  }: { headers?: Record<string, string>; body?: unknown; statusCode?: number } = {},
): readonly string[] {
  const [method = '', url = ''] = line.split(' ');
  return neededRights(
    {
      service,
      request: { method, url, headers },
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
      statusCode,
    },
    'eu-west-1',
  ).map(({ action, resource }) => `${action} on ${resource}`);
}

it.each([
  ['GET /b/a%20b/c.png', 's3:GetObject on arn:aws:s3:::b/a b/c.png'],
  ['GET /b/k?versionId=v&x-id=GetObject', 's3:GetObjectVersion on arn:aws:s3:::b/k'],
  ['HEAD /b/k', 's3:GetObject on arn:aws:s3:::b/k'],
  ['GET /b/k?X-Amz-Signature=x&response-content-disposition=inline', 's3:GetObject on arn:aws:s3:::b/k'],
  ['PUT /b/k', 's3:PutObject on arn:aws:s3:::b/k'],
  ['POST /b/k?uploads', 's3:PutObject on arn:aws:s3:::b/k'],
  ['PUT /b/k?partNumber=1&uploadId=u', 's3:PutObject on arn:aws:s3:::b/k'],
  ['POST /b/k?uploadId=u', 's3:PutObject on arn:aws:s3:::b/k'],
  ['DELETE /b/k?uploadId=u', 's3:AbortMultipartUpload on arn:aws:s3:::b/k'],
  ['DELETE /b/k', 's3:DeleteObject on arn:aws:s3:::b/k'],
  ['GET /b/?uploads&prefix=k', 's3:ListBucketMultipartUploads on arn:aws:s3:::b'],
  ['GET /b?list-type=2', 's3:ListBucket on arn:aws:s3:::b'],
])('knows what %s needs', (line, right) => {
  expect(rights('S3', line)).toEqual([right]);
});

it('asks for the right to list where something missing was answered 404', () => {
  expect(rights('S3', 'HEAD /b/k', { statusCode: 404 })).toEqual([
    's3:GetObject on arn:aws:s3:::b/k',
    's3:ListBucket on arn:aws:s3:::b',
  ]);
});

it('asks for the right to read where a write depends on what is there, or copies it', () => {
  const put = (name: string, value: string) => rights('S3', 'PUT /b/k', { headers: { [name]: value } });

  expect(put('if-match', '"e"')).toEqual([
    's3:PutObject on arn:aws:s3:::b/k',
    's3:GetObject on arn:aws:s3:::b/k',
  ]);
  expect(put('if-none-match', '*')).toEqual(['s3:PutObject on arn:aws:s3:::b/k']);
  expect(rights('S3', 'DELETE /b/k', { headers: { 'if-match': '"e"' } })).toEqual([
    's3:DeleteObject on arn:aws:s3:::b/k',
    's3:GetObject on arn:aws:s3:::b/k',
  ]);
  expect(put('x-amz-copy-source', '/c/d%20e')).toEqual([
    's3:PutObject on arn:aws:s3:::b/k',
    's3:GetObject on arn:aws:s3:::c/d e',
  ]);
});

it('tells a table from its index, and takes transactions apart', () => {
  const dynamodb = (operation: string, body: unknown) =>
    rights('DynamoDB', 'POST /', { headers: { 'x-amz-target': `DynamoDB_20120810.${operation}` }, body });
  const table = 'arn:aws:dynamodb:eu-west-1:000000000000:table/t';

  expect(dynamodb('Query', { TableName: 't' })).toEqual([`dynamodb:Query on ${table}`]);
  expect(dynamodb('Query', { TableName: 't', IndexName: 'due' })).toEqual([
    `dynamodb:Query on ${table}/index/due`,
  ]);
  expect(dynamodb('BatchGetItem', { RequestItems: { t: { Keys: [] } } })).toEqual([
    `dynamodb:BatchGetItem on ${table}`,
  ]);
  expect(
    dynamodb('TransactWriteItems', {
      TransactItems: [{ Put: { TableName: 't' } }, { ConditionCheck: { TableName: 't' } }],
    }),
  ).toEqual([`dynamodb:PutItem on ${table}`, `dynamodb:ConditionCheckItem on ${table}`]);
});

it('refuses to guess what a request needs that nobody has described', () => {
  expect(() => rights('S3', 'GET /b/k?acl')).toThrow(/needed-rights/);
  expect(() => rights('S3', 'PUT /b/k?tagging')).toThrow(/needed-rights/);
  expect(() => rights('S3', 'GET /b?location')).toThrow(/needed-rights/);
  expect(() =>
    rights('SSM', 'POST /', { headers: { 'x-amz-target': 'AmazonSSM.PutParameter' }, body: {} }),
  ).toThrow(/needed-rights/);
});

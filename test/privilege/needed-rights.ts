import type { IncomingMessage } from 'node:http';
import { LOCAL_ACCOUNT } from '../../local/aws/lambda-types.ts';
import type { Exchange } from '../faults/recording-proxy.ts';

/** An IAM action on one resource, both as a policy writes them. */
export interface Right {
  readonly action: string;
  readonly resource: string;
}

/**
 * What its caller must be allowed for AWS to have answered a request so.
 * @throws {Error} For a request that nobody has described yet: then its rights belong here.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
 */
export function neededRights({ service, request, body, statusCode }: Exchange, region: string): Right[] {
  const arn = (service: string, resource: string) =>
    `arn:aws:${service}:${region}:${LOCAL_ACCOUNT}:${resource}`;
  const said = (): Json => JSON.parse(body?.toString('utf8') || '{}');
  switch (service) {
    case 'DynamoDB':
      return rightsOfDynamoDb(operationOf(request), said(), (table) => arn('dynamodb', `table/${table}`));
    case 'S3':
      return rightsOfS3(request, statusCode);
    case 'SSM':
      if (operationOf(request) !== 'GetParameters') throw unknown(request);
      // Decrypted with the key `aws/ssm`, whose own policy admits whoever may read the parameter.
      return (said().Names as readonly string[]).map((name) => ({
        action: 'ssm:GetParameters',
        resource: arn('ssm', `parameter${name}`),
      }));
    case 'SecretsManager':
      if (operationOf(request) !== 'GetSecretValue') throw unknown(request);
      return [{ action: 'secretsmanager:GetSecretValue', resource: String(said().SecretId) }];
    case 'EventBridge':
      if (operationOf(request) !== 'PutEvents') throw unknown(request);
      return (said().Entries as readonly Json[]).map(({ EventBusName }) => ({
        action: 'events:PutEvents',
        resource: arn('events', `event-bus/${EventBusName}`),
      }));
    case 'Lambda': {
      const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '') ?? [];
      if (name === undefined) throw unknown(request);
      return [
        { action: 'lambda:InvokeFunction', resource: arn('lambda', `function:${decodeURIComponent(name)}`) },
      ];
    }
    default:
      return []; // Wiro and its CDN are not AWS.
  }
}

type Json = Readonly<Record<string, unknown>>;
type Request = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

const operationOf = ({ headers }: Request) =>
  String(headers['x-amz-target'] ?? '')
    .split('.')
    .at(-1) ?? '';

function rightsOfDynamoDb(operation: string, said: Json, tableArn: (name: string) => string): Right[] {
  if (operation === 'TransactWriteItems' || operation === 'TransactGetItems')
    return (said.TransactItems as readonly Record<string, Json>[]).flatMap((item) =>
      Object.entries(item).map(([kind, { TableName }]) => ({
        action: kind === 'ConditionCheck' ? 'dynamodb:ConditionCheckItem' : `dynamodb:${kind}Item`,
        resource: tableArn(String(TableName)),
      })),
    );
  if (operation === 'BatchGetItem')
    return Object.keys(said.RequestItems as Json).map((name) => ({
      action: 'dynamodb:BatchGetItem',
      resource: tableArn(name),
    }));
  const { TableName, IndexName } = said;
  if (typeof TableName !== 'string') throw new Error(`Nobody has described the rights of ${operation}`);
  const table = tableArn(TableName);
  // A query of an index is a right on the index alone.
  return [
    {
      action: `dynamodb:${operation}`,
      resource: IndexName === undefined ? table : `${table}/index/${IndexName}`,
    },
  ];
}

function rightsOfS3(request: Request, statusCode: number): Right[] {
  const { method = 'GET', headers } = request;
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://s3');
  const [, bucketName = '', key = ''] = /^\/([^/]+)\/?(.*)$/s.exec(decodeURIComponent(pathname)) ?? [];
  const bucket = `arn:aws:s3:::${bucketName}`;
  const on = (...actions: string[]) =>
    actions.map((action) => ({ action, resource: key === '' ? bucket : `${bucket}/${key}` }));
  const names = [...query.keys()].filter((name) => name !== 'x-id');
  const has = (...wanted: string[]) => wanted.every((name) => query.has(name));
  if (headers['x-amz-server-side-encryption-aws-kms-key-id'] !== undefined) throw unknown(request);

  if (key === '') {
    if (method === 'GET' && has('uploads')) return on('s3:ListBucketMultipartUploads');
    if (method === 'GET' && has('list-type')) return on('s3:ListBucket');
    throw unknown(request);
  }
  if (method === 'GET' || method === 'HEAD') {
    // A presigned URL carries the rights of its signer, and says in the query what headers say otherwise.
    if (!names.every((name) => /^(x-amz-|response-|versionId$)/i.test(name))) throw unknown(request);
    // Who may not list is answered 403 for what is not there.
    const isMissing = statusCode === 404 ? [{ action: 's3:ListBucket', resource: bucket }] : [];
    return [...on(has('versionId') ? 's3:GetObjectVersion' : 's3:GetObject'), ...isMissing];
  }
  if (method === 'POST' && (has('uploads') || has('uploadId'))) return on('s3:PutObject');
  if (method === 'PUT' && has('partNumber', 'uploadId')) return on('s3:PutObject');
  if (method === 'DELETE' && has('uploadId')) return on('s3:AbortMultipartUpload');
  if (method === 'DELETE' && names.length === 0)
    return on('s3:DeleteObject', ...(headers['if-match'] === undefined ? [] : ['s3:GetObject']));
  // Presigned, its query holds the signature alone.
  if (method === 'PUT' && names.every((name) => /^x-amz-(?!checksum|sdk|tagging|acl|meta)/i.test(name)))
    return [...on('s3:PutObject'), ...besidesPut(headers, on)];
  throw unknown(request);
}

/** What the headers of a PUT ask for on top of it. */
function besidesPut(
  headers: IncomingMessage['headers'],
  on: (...actions: string[]) => readonly Right[],
): readonly Right[] {
  const source = headers['x-amz-copy-source'];
  return [
    // Whether it still is what one read, only who may read it is told.
    ...(headers['if-match'] === undefined ? [] : on('s3:GetObject')),
    ...(headers['x-amz-tagging'] === undefined ? [] : on('s3:PutObjectTagging')),
    ...(headers['x-amz-acl'] === undefined ? [] : on('s3:PutObjectAcl')),
    ...(source === undefined
      ? []
      : [
          {
            action: 's3:GetObject',
            resource: `arn:aws:s3:::${decodeURIComponent(String(source)).replace(/^\//, '')}`,
          },
        ]),
  ];
}

const unknown = ({ method, url, headers }: Request) =>
  new Error(
    `Nobody has described the rights that ${method} ${url} ${headers['x-amz-target'] ?? ''} needs: add them to needed-rights.ts`,
  );

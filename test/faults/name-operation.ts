import type { IncomingMessage } from 'node:http';

/** What a function talks to. */
export type Service =
  | 'DynamoDB'
  | 'S3'
  | 'SSM'
  | 'SecretsManager'
  | 'Lambda'
  | 'EventBridge'
  | 'Wiro'
  | 'CDN';

/** Services whose requests say in the body what they are about. */
export const NAMED_BY_BODY: ReadonlySet<Service> = new Set([
  'DynamoDB',
  'SSM',
  'SecretsManager',
  'Lambda',
  'EventBridge',
]);

/** Names a request as its service would, and what it is about: `DynamoDB.PutItem state:running`. */
export function nameOperation(service: Service, request: IncomingMessage, body: Buffer | undefined): string {
  const { method = 'GET', headers } = request;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const target =
    String(headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1) ?? '';
  switch (service) {
    case 'DynamoDB':
      return named(service, target, subjectOfItem(parse(body)));
    case 'EventBridge':
      return named(service, target, subjectOfEvents(parse(body)));
    case 'SSM':
    case 'SecretsManager':
      return named(service, target);
    case 'Lambda':
      return named(service, 'Invoke', Object.keys(parse(body)).join(','));
    case 'S3':
      return named(service, operationOfS3(method, url.searchParams));
    case 'Wiro':
      return named(service, operationOfWiro(url.pathname));
    case 'CDN':
      return named(service, method);
  }
}

function named(service: Service, operation: string, subject = ''): string {
  return `${service}.${operation}${subject && ` ${subject}`}`;
}

type Json = Readonly<Record<string, unknown>>;

function parse(body: Buffer | undefined): Json {
  return JSON.parse(body?.toString('utf8') || '{}') as Json;
}

/** Which kind of item, and for the state of a generation the status that is written. */
function subjectOfItem({ Key, Item, IndexName }: Json): string {
  if (typeof IndexName === 'string') return IndexName;
  const item = (Item ?? Key) as
    | Readonly<Record<string, { readonly S?: string; readonly L?: readonly unknown[] } | undefined>>
    | undefined;
  if (item === undefined) return 'whole';
  const kind = item.pk?.S?.split('#')[0] ?? '';
  if (kind !== 'generation') return kind;
  const part = item.sk?.S?.split('#')[0] ?? '';
  if (Item === undefined || part !== 'state') return part;
  // The write-ahead mark, and whatever is written while it stands.
  const isMarked = item.status?.S === 'submitting' && item.run !== undefined;
  // An end is written with what is to be told of it, and once more when that was told.
  const isTold = item.endedAt !== undefined && item.announcements?.L?.length === 0;
  return `state:${item.status?.S}${isMarked ? '+mark' : ''}${isTold ? '+told' : ''}`;
}

function subjectOfEvents({ Entries }: Json): string {
  const entries = Entries as readonly { readonly DetailType?: string }[];
  return entries.map(({ DetailType = '' }) => DetailType.replace('Generation ', '')).join('+');
}

function operationOfS3(method: string, query: URLSearchParams): string {
  if (query.has('uploads')) return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads';
  if (query.has('partNumber')) return 'UploadPart';
  if (query.has('uploadId')) return method === 'POST' ? 'CompleteMultipartUpload' : 'AbortMultipartUpload';
  return { GET: 'GetObject', PUT: 'PutObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }[method] ?? method;
}

function operationOfWiro(pathname: string): string {
  const [, , room = '', what = ''] = pathname.split('/');
  return room === 'Run' ? 'Run' : `${room}/${what}`;
}

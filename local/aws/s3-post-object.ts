import { multipartBoundary, parseMultipart } from '../multipart.ts';
import { LOCAL_CREDENTIALS } from './credentials.ts';
import { verifyBody } from './s3-body.ts';
import type { Bucket } from './s3-bucket.ts';
import { S3Error } from './s3-errors.ts';
import { type Created, storeBody } from './s3-object-operations.ts';
import { checkPolicy, readPolicy } from './s3-post-policy.ts';
import { MAX_KEY_BYTES, type S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import { verifyPolicySignature } from './s3-signature.ts';
import { FORM_FIELDS, requireSupportedHeaders } from './s3-supported.ts';

/** AWS's limit for all fields before the file. */
const MAX_FIELDS_BYTES = 20 * 1024;
/** Fields that are not stored. The others are an object's headers. */
const FIELDS = new Set([
  'acl',
  'bucket',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'key',
  'policy',
  'success_action_redirect',
  'success_action_status',
]);
const SIGNATURE = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-security-token', 'x-amz-signature'];

/**
 * PostObject: an upload by an HTML form, as a presigned POST allows it. Like S3, ignores fields after the file.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export async function postObject(bucket: Bucket, request: S3Request, now: Date): Promise<Created> {
  const boundary = multipartBoundary(request.header('content-type'));
  if (boundary === undefined) throw new S3Error('MalformedPOSTRequest');
  const fields = new Map<string, string>();
  let created: Created | undefined;
  let sizeBytes = 0;
  const raw: AsyncIterable<Buffer> = request.incoming.iterator({ destroyOnReturn: false });
  for await (const { name, fileName, content } of readParts(raw, boundary)) {
    if (created === undefined && name.toLowerCase() === 'file') {
      created = await store(bucket, request.bucket, fields, fileName ?? '', content, now);
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of content) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_FIELDS_BYTES) throw new S3Error('MaxPostPreDataLengthExceededError');
      chunks.push(chunk);
    }
    if (created === undefined) fields.set(name.toLowerCase(), Buffer.concat(chunks).toString('utf8'));
  }
  if (created === undefined)
    throw new S3Error('InvalidArgument', 'POST requires exactly one file upload per request.');
  return created;
}

async function* readParts(raw: AsyncIterable<Buffer>, boundary: string) {
  try {
    yield* parseMultipart(raw, boundary);
  } catch (error) {
    throw error instanceof S3Error ? error : new S3Error('MalformedPOSTRequest');
  }
}

async function store(
  bucket: Bucket,
  bucketName: string,
  given: ReadonlyMap<string, string>,
  fileName: string,
  content: AsyncIterable<Buffer>,
  now: Date,
): Promise<Created> {
  const key = (given.get('key') ?? '').replaceAll(/\$\{filename\}/g, () => fileName);
  const fields = new Map([...given, ['bucket', bucketName], ['key', key]]);
  verifyPolicySignature((name) => fields.get(name), LOCAL_CREDENTIALS);
  const limits = checkPolicy(readPolicy(fields.get('policy') ?? ''), fields, now);
  if (key === '') throw new S3Error('InvalidArgument', 'Bucket POST must contain a field named "key".');
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError');
  requireSupportedFields(fields);

  const header = (name: string) => fields.get(name === 'x-amz-acl' ? 'acl' : name);
  const file = { header, headerNames: [...fields.keys()], key };
  const created = await storeBody(bucket, file, verifyBody(bounded(content, limits), { header }));
  return { ...created, response: describeCreated(created, bucketName, fields) };
}

function requireSupportedFields(fields: ReadonlyMap<string, string>): void {
  const names = [...fields.keys()].map((name) => (name === 'acl' ? 'x-amz-acl' : name));
  const header = (name: string) => fields.get(name === 'x-amz-acl' ? 'acl' : name);
  requireSupportedHeaders('PostObject', { header, headerNames: names }, [...FORM_FIELDS, ...SIGNATURE]);
  const other = names.find((name) => !/^x-(amz|ignore)-/.test(name) && !FIELDS.has(name));
  if (other !== undefined)
    throw new S3Error('NotImplemented', `The embedded S3 does not support the field "${other}" of a form.`);
}

async function* bounded(
  content: AsyncIterable<Buffer>,
  { min, max }: { readonly min: number; readonly max: number },
): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    if (sizeBytes > max) throw new S3Error('EntityTooLarge');
    yield chunk;
  }
  if (sizeBytes < min) throw new S3Error('EntityTooSmall');
}

function describeCreated(
  { object }: Created,
  bucketName: string,
  fields: ReadonlyMap<string, string>,
): S3Response {
  const ETag = `"${object.etag}"`;
  const Location = `/${bucketName}/${object.key.split('/').map(encodeURIComponent).join('/')}`;
  const headers = { etag: ETag, location: Location };
  const redirect = fields.get('success_action_redirect') ?? '';
  if (URL.canParse(redirect)) {
    const url = new URL(redirect);
    for (const [name, value] of Object.entries({ bucket: bucketName, key: object.key, etag: ETag }))
      url.searchParams.set(name, value);
    return { status: 303, headers: { ...headers, location: url.href } };
  }
  if (fields.get('success_action_status') === '201') {
    const response = xmlResponse(
      'PostResponse',
      { Location, Bucket: bucketName, Key: object.key, ETag },
      201,
    );
    return { ...response, headers: { ...response.headers, ...headers } };
  }
  return { status: fields.get('success_action_status') === '200' ? 200 : 204, headers };
}

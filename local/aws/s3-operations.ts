import { deleteObjects, listObjects } from './s3-bucket-operations.ts';
import { S3Error } from './s3-errors.ts';
import type { CreatedBy } from './s3-event.ts';
import {
  type Created,
  copyObject,
  deleteObject,
  parseCopySource,
  putObject,
  readObject,
} from './s3-object-operations.ts';
import type { S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import type { S3Store } from './s3-store.ts';
import {
  abortUpload,
  completeUpload,
  createUpload,
  listParts,
  listUploads,
  putPart,
} from './s3-upload-operations.ts';

export interface OperationDeps {
  readonly store: S3Store;
  readonly announce: (bucket: string, created: Created['object'], by: CreatedBy) => void;
}

/** The supported query parameters by operation. */
const QUERY = {
  object: [],
  read: ['response-'],
  list: [
    'list-type',
    'prefix',
    'delimiter',
    'start-after',
    'continuation-token',
    'max-keys',
    'encoding-type',
    'fetch-owner',
  ],
  uploads: ['uploads', 'prefix', 'key-marker', 'upload-id-marker', 'max-uploads'],
  upload: ['uploadId', 'partNumber'],
  parts: ['uploadId', 'part-number-marker', 'max-parts'],
  delete: ['delete'],
} as const;

/** Runs the operation that a request asks for. @throws {S3Error} */
export async function operate(deps: OperationDeps, request: S3Request): Promise<S3Response> {
  if (request.bucket === '') return operateOnService(deps, request);
  if (request.key === '') return operateOnBucket(deps, request);
  return operateOnObject(deps, request);
}

function operateOnService({ store }: OperationDeps, request: S3Request): S3Response {
  if (request.method !== 'GET') throw new S3Error('MethodNotAllowed');
  allow(request, QUERY.object);
  return xmlResponse('ListAllMyBucketsResult', {
    Owner: { ID: 'local' },
    Buckets: { Bucket: store.bucketNames().map((Name) => ({ Name })) },
  });
}

async function operateOnBucket({ store }: OperationDeps, request: S3Request): Promise<S3Response> {
  const { bucket: name, method, query } = request;
  switch (method) {
    case 'PUT':
      allow(request, QUERY.object);
      await store.createBucket(name);
      return { status: 200, headers: { location: `/${name}` } };
    case 'HEAD':
      allow(request, QUERY.object);
      await store.bucket(name);
      return { status: 200 };
    case 'GET':
      if (query.has('uploads')) {
        allow(request, QUERY.uploads);
        return listUploads(await store.bucket(name), request);
      }
      if (query.get('list-type') !== '2')
        throw new S3Error('NotImplemented', 'Only ListObjectsV2 is supported.');
      allow(request, QUERY.list);
      return listObjects(await store.bucket(name), request);
    case 'POST':
      if (!query.has('delete')) throw new S3Error('NotImplemented');
      allow(request, QUERY.delete);
      return deleteObjects(await store.bucket(name), request);
    default:
      throw new S3Error('MethodNotAllowed');
  }
}

async function operateOnObject({ store, announce }: OperationDeps, request: S3Request): Promise<S3Response> {
  const { header, method, query } = request;
  const bucket = await store.bucket(request.bucket);
  const announced = ({ object, response }: Created, by: CreatedBy): S3Response => {
    announce(request.bucket, object, by);
    return response;
  };
  if (query.has('uploadId')) {
    allow(request, method === 'GET' ? QUERY.parts : QUERY.upload);
    switch (method) {
      case 'PUT':
        if (header('x-amz-copy-source') !== undefined) throw new S3Error('NotImplemented');
        return putPart(bucket, request);
      case 'POST':
        return announced(await completeUpload(bucket, request), 'CompleteMultipartUpload');
      case 'DELETE':
        return abortUpload(bucket, request);
      case 'GET':
        return listParts(bucket, request);
      default:
        throw new S3Error('MethodNotAllowed');
    }
  }
  switch (method) {
    case 'GET':
    case 'HEAD':
      allow(request, QUERY.read);
      return readObject(bucket, request);
    case 'PUT': {
      allow(request, QUERY.object);
      const copySource = header('x-amz-copy-source');
      if (copySource === undefined) return announced(await putObject(bucket, request), 'Put');
      const source = parseCopySource(copySource);
      const from = { bucket: await store.bucket(source.bucket), key: source.key };
      return announced(await copyObject(bucket, request, from), 'Copy');
    }
    case 'POST':
      if (!query.has('uploads')) throw new S3Error('NotImplemented');
      allow(request, QUERY.uploads);
      return createUpload(bucket, request);
    case 'DELETE':
      allow(request, QUERY.object);
      return deleteObject(bucket, request);
    default:
      throw new S3Error('MethodNotAllowed');
  }
}

/**
 * Refuses unsupported query parameters. Always accepts `x-id`, the SDK's name of the operation, and `X-Amz-…`, which
 * sign a request or replace a header.
 */
function allow({ query }: S3Request, names: readonly string[]): void {
  for (const name of query.keys())
    if (
      !/^(x-amz-|x-id$)/i.test(name) &&
      !names.some((one) => name === one || (one.endsWith('-') && name.startsWith(one)))
    )
      throw new S3Error('NotImplemented', `The embedded S3 does not support the parameter "${name}" here.`);
}

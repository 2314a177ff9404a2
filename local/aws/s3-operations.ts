import { multipartBoundary } from '../multipart.ts';
import { LOCAL_REGION } from './credentials.ts';
import type { Bucket, StoredObject } from './s3-bucket.ts';
import {
  createBucket,
  deleteObjects,
  getBucketCors,
  listBuckets,
  putBucketCors,
} from './s3-bucket-operations.ts';
import { S3Error } from './s3-errors.ts';
import type { CreatedBy } from './s3-event.ts';
import { listObjects, listObjectsV2 } from './s3-list-objects.ts';
import {
  type Created,
  copyObject,
  deleteObject,
  parseCopySource,
  putObject,
  readObject,
} from './s3-object-operations.ts';
import { postObject } from './s3-post-object.ts';
import type { S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import type { S3Store } from './s3-store.ts';
import { type OperationName, requireSupported } from './s3-supported.ts';
import {
  abortUpload,
  completeUpload,
  copyPart,
  createUpload,
  listParts,
  listUploads,
  putPart,
} from './s3-upload-operations.ts';

export interface OperationDeps {
  readonly store: S3Store;
  readonly announce: (bucket: string, created: StoredObject, by: CreatedBy) => void;
  readonly now: () => Date;
}

/** Runs the operation that a request asks for. @throws {S3Error} */
export async function operate(
  { store, announce, now }: OperationDeps,
  request: S3Request,
): Promise<S3Response> {
  const operation = findOperation(request);
  requireSupported(operation, request);
  const bucket = (): Promise<Bucket> => store.bucket(request.bucket);
  const source = async () => {
    const { bucket: name, key } = parseCopySource(request.header('x-amz-copy-source') ?? '');
    return { bucket: await store.bucket(name), key };
  };
  const announced = ({ object, response }: Created, by: CreatedBy): S3Response => {
    announce(request.bucket, object, by);
    return response;
  };
  switch (operation) {
    case 'ListBuckets':
      return listBuckets(store, request);
    case 'CreateBucket':
      return createBucket(store, request);
    case 'DeleteBucket':
      await store.removeBucket(request.bucket);
      return { status: 204 };
    case 'HeadBucket':
      await bucket();
      return { status: 200, headers: { 'x-amz-bucket-region': LOCAL_REGION } };
    case 'GetBucketLocation':
      await bucket();
      // Empty for us-east-1.
      return xmlResponse('LocationConstraint', {});
    case 'PutBucketCors':
      return putBucketCors(await bucket(), request);
    case 'GetBucketCors':
      return getBucketCors(await bucket());
    case 'DeleteBucketCors':
      await (await bucket()).setCorsRules(undefined);
      return { status: 204 };
    case 'ListObjects':
      return listObjects(await bucket(), request);
    case 'ListObjectsV2':
      return listObjectsV2(await bucket(), request);
    case 'DeleteObjects':
      return deleteObjects(await bucket(), request);
    case 'PostObject':
      return announced(await postObject(await bucket(), request, now()), 'Post');
    case 'ListMultipartUploads':
      return listUploads(await bucket(), request);
    case 'GetObject':
      return readObject(await bucket(), request);
    case 'GetObjectTagging':
      if ((await bucket()).get(request.key) === undefined) throw new S3Error('NoSuchKey');
      // Tags are refused, so no object has any.
      return xmlResponse('Tagging', { TagSet: {} });
    case 'PutObject':
      return announced(await putObject(await bucket(), request), 'Put');
    case 'CopyObject':
      return announced(await copyObject(await bucket(), request, await source()), 'Copy');
    case 'DeleteObject':
      return deleteObject(await bucket(), request);
    case 'CreateMultipartUpload':
      return createUpload(await bucket(), request);
    case 'UploadPart':
      return putPart(await bucket(), request);
    case 'UploadPartCopy':
      return copyPart(await bucket(), request, await source());
    case 'CompleteMultipartUpload':
      return announced(await completeUpload(await bucket(), request), 'CompleteMultipartUpload');
    case 'AbortMultipartUpload':
      return abortUpload(await bucket(), request);
    case 'ListParts':
      return listParts(await bucket(), request);
  }
}

/** Finds the operation by method, path and subresource. Other subresources are refused by `requireSupported`. */
function findOperation(request: S3Request): OperationName {
  const { method, bucket, key, query } = request;
  if (bucket === '') {
    if (method !== 'GET') throw new S3Error('MethodNotAllowed');
    return 'ListBuckets';
  }
  return key === '' ? findBucketOperation(request) : findObjectOperation(request, query.has('uploadId'));
}

/** Whether the request is an HTML form, which a policy signs instead of a header. */
export const isForm = ({ method, key, header }: S3Request): boolean =>
  method === 'POST' && key === '' && multipartBoundary(header('content-type')) !== undefined;

function findBucketOperation(request: S3Request): OperationName {
  const { method, query } = request;
  const isCors = query.has('cors');
  switch (method) {
    case 'PUT':
      return isCors ? 'PutBucketCors' : 'CreateBucket';
    case 'DELETE':
      return isCors ? 'DeleteBucketCors' : 'DeleteBucket';
    case 'HEAD':
      return 'HeadBucket';
    case 'GET':
      if (isCors) return 'GetBucketCors';
      if (query.has('uploads')) return 'ListMultipartUploads';
      if (query.has('location')) return 'GetBucketLocation';
      return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
    case 'POST':
      if (isForm(request)) return 'PostObject';
      if (query.has('delete')) return 'DeleteObjects';
      throw new S3Error('NotImplemented');
    default:
      throw new S3Error('MethodNotAllowed');
  }
}

function findObjectOperation({ method, header, query }: S3Request, isUpload: boolean): OperationName {
  const isCopy = header('x-amz-copy-source') !== undefined;
  switch (method) {
    case 'GET':
      if (query.has('tagging')) return 'GetObjectTagging';
      return isUpload ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'GetObject';
    case 'PUT':
      if (isUpload) return isCopy ? 'UploadPartCopy' : 'UploadPart';
      return isCopy ? 'CopyObject' : 'PutObject';
    case 'POST':
      if (isUpload) return 'CompleteMultipartUpload';
      if (query.has('uploads')) return 'CreateMultipartUpload';
      throw new S3Error('NotImplemented');
    case 'DELETE':
      return isUpload ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      throw new S3Error('MethodNotAllowed');
  }
}

import { LOCAL_REGION } from './credentials.ts';
import { readDocument } from './s3-body.ts';
import type { Bucket } from './s3-bucket.ts';
import { matchCondition } from './s3-conditions.ts';
import { describeCorsRules, readCorsRules } from './s3-cors.ts';
import { S3Error } from './s3-errors.ts';
import { OWNER } from './s3-list-objects.ts';
import { readNumber, type S3Request } from './s3-request.ts';
import { type S3Response, xmlResponse } from './s3-response.ts';
import type { S3Store } from './s3-store.ts';
import { childrenOf, readXml, textsOf, type XmlElements } from './s3-xml.ts';

const MAX_DELETED = 1000;
const MAX_BUCKETS = 10_000;

/** ListBuckets. */
export async function listBuckets(store: S3Store, request: S3Request): Promise<S3Response> {
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const region = query.get('bucket-region') ?? LOCAL_REGION;
  const limit = readNumber(request, 'max-buckets', { min: 1, max: MAX_BUCKETS, byDefault: MAX_BUCKETS });
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64url').toString();
  const names = store
    .bucketNames()
    .filter((name) => region === LOCAL_REGION && name.startsWith(prefix) && name > after);
  const page = names.slice(0, limit);
  const last = page.at(-1);
  return xmlResponse('ListAllMyBucketsResult', {
    Owner: OWNER,
    Buckets: {
      Bucket: await Promise.all(
        page.map(async (Name) => ({ Name, CreationDate: (await store.bucket(Name)).created.toISOString() })),
      ),
    },
    Prefix: prefix === '' ? undefined : prefix,
    ContinuationToken: names.length > limit && last ? Buffer.from(last).toString('base64url') : undefined,
  });
}

/** CreateBucket. */
export async function createBucket(store: S3Store, request: S3Request): Promise<S3Response> {
  const xml = await readDocument(request);
  if (xml !== '') {
    const configuration = readXml(xml, 'CreateBucketConfiguration');
    const region = textsOf(configuration, ['LocationConstraint']).get('LocationConstraint') ?? LOCAL_REGION;
    if (region !== LOCAL_REGION)
      throw new S3Error(
        'NotImplemented',
        `The embedded S3 does not support the value "${region}" of the element "LocationConstraint".`,
      );
  }
  await store.createBucket(request.bucket);
  return { status: 200, headers: { location: `/${request.bucket}` } };
}

export async function putBucketCors(bucket: Bucket, request: S3Request): Promise<S3Response> {
  await bucket.setCorsRules(readCorsRules(await readDocument(request)));
  return { status: 200 };
}

export function getBucketCors(bucket: Bucket): S3Response {
  const rules = bucket.corsRules();
  if (rules === undefined) throw new S3Error('NoSuchCORSConfiguration');
  return xmlResponse('CORSConfiguration', describeCorsRules(rules));
}

/** DeleteObjects. Deletes the keys one by one, after all of them have been read. */
export async function deleteObjects(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const document = readXml(await readDocument(request), 'Delete');
  const children = childrenOf(document, ['Object', 'Quiet']);
  const objects = children
    .filter(({ name }) => name === 'Object')
    .map((element) => textsOf(element, ['Key', 'VersionId', 'ETag']));
  if (objects.length === 0 || objects.length > MAX_DELETED) throw new S3Error('MalformedXML');
  const isQuiet = children.some(({ name, text }) => name === 'Quiet' && text.trim() === 'true');
  const wanted = objects.map((texts) => {
    const [Key, VersionId] = [texts.get('Key'), texts.get('VersionId')];
    if (Key === undefined || Key === '') throw new S3Error('MalformedXML');
    // The only version of an object in a bucket without versions.
    if (VersionId !== undefined && VersionId !== 'null')
      throw new S3Error(
        'NotImplemented',
        `The embedded S3 does not support the value "${VersionId}" of the element "VersionId".`,
      );
    return { Key, VersionId, ETag: texts.get('ETag') };
  });

  const deleted: XmlElements[] = [];
  const failed: XmlElements[] = [];
  for (const { Key, VersionId, ETag } of wanted)
    try {
      await bucket.delete(Key, ETag === undefined ? () => {} : matchCondition(ETag));
      deleted.push({ Key, VersionId });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      failed.push({ Key, VersionId, Code: error.code, Message: error.message });
    }
  return xmlResponse('DeleteResult', { Deleted: isQuiet ? [] : deleted, Error: failed });
}

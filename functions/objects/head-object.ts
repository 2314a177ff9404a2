import type { IncomingHttpHeaders } from 'node:http';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { ownRegion } from '../aws/endpoint.ts';
import { exchange, NoAnswerError } from '../aws/exchange.ts';
import { encode, lambdaCredentials, sha256, signForS3 } from '../aws/sign.ts';
import { objectUrl, type S3Access } from './object-url.ts';
import { ALGORITHMS, type Described, toFound } from './to-found.ts';
import type { FoundObject, ObjectRef } from './types.ts';

const LIMITS = { connectMs: 1_000, answerMs: 5_000 };

/**
 * Asks S3 for an object once, without the SDK.
 * @returns `undefined` for every answer but a plain one. What it means is for the SDK to find out, with its retries.
 */
export async function headObject(
  { versionId, ...object }: ObjectRef & { readonly versionId?: string },
  access: S3Access = {},
): Promise<FoundObject | undefined> {
  const { region = ownRegion(), credentials = await lambdaCredentials() } = access;
  const { origin, host, pathname: path } = objectUrl(object, access);
  const query = versionId === undefined ? '' : `versionId=${encode(versionId)}`;
  const headers = { 'x-amz-checksum-mode': 'ENABLED' };
  const request = { method: 'HEAD', path, headers };
  const payload = sha256('');
  const signed = signForS3({ ...request, host, query, payload }, { region, credentials, at: new Date() });
  const sent = {
    ...request,
    origin: new URL(origin),
    path: query === '' ? path : `${path}?${query}`,
    headers: { ...headers, ...signed },
    body: '',
  };
  try {
    const { statusCode, headers: described } = await exchange(sent, LIMITS);
    return statusCode === 200 ? toFound(object, describe(described)) : undefined;
  } catch (error) {
    if (error instanceof NoAnswerError) return undefined;
    throw error;
  }
}

function describe(headers: IncomingHttpHeaders): Described {
  const lastModified = new Date(headers['last-modified'] ?? Number.NaN);
  return {
    ETag: headers.etag,
    ContentLength: Number(headers['content-length'] ?? 0),
    ContentType: headers['content-type'],
    LastModified: Number.isNaN(lastModified.getTime()) ? undefined : lastModified,
    VersionId: amz('version-id'),
    StorageClass: amz('storage-class') as HeadObjectCommandOutput['StorageClass'],
    Restore: amz('restore'),
    ArchiveStatus: amz('archive-status') as HeadObjectCommandOutput['ArchiveStatus'],
    ChecksumType: amz('checksum-type') as HeadObjectCommandOutput['ChecksumType'],
    ...Object.fromEntries(
      ALGORITHMS.map((name) => [`Checksum${name}`, amz(`checksum-${name.toLowerCase()}`)]),
    ),
  };

  function amz(name: string): string | undefined {
    const value = headers[`x-amz-${name}`];
    return typeof value === 'string' ? value : undefined;
  }
}

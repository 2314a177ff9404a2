import type { IncomingHttpHeaders } from 'node:http';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { exchange, NoAnswerError } from '../aws/exchange.ts';
import { sha256 } from '../aws/sign.ts';
import type { S3Access } from './object-url.ts';
import { signedRequest } from './signed-request.ts';
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
  const asked = {
    ...object,
    method: 'HEAD',
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
    payload: sha256(''),
    ...(versionId !== undefined && { query: { versionId } }),
  };
  const sent = await signedRequest(asked, access, new Date());
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

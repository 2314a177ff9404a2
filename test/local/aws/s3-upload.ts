import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Bucket } from './s3-world.ts';

export const Key = 'outputs/big.bin';

/** Operations on a multipart upload of `Key`. */
export function uploadOf(client: S3Client, UploadId: string | undefined) {
  const which = { Bucket, Key, UploadId };
  return {
    put: (PartNumber: number, bytes: Buffer | Readable, sizeBytes?: number) =>
      client.send(
        new UploadPartCommand({
          ...which,
          PartNumber,
          Body: bytes,
          ...(sizeBytes !== undefined && { ContentLength: sizeBytes }),
        }),
      ),
    complete: (Parts: CompletedPart[], more: object = {}) =>
      client.send(new CompleteMultipartUploadCommand({ ...which, MultipartUpload: { Parts }, ...more })),
    abort: () => client.send(new AbortMultipartUploadCommand(which)),
    list: (more: object = {}) => client.send(new ListPartsCommand({ ...which, ...more })),
  };
}

export async function startUpload(client: S3Client, more: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return { UploadId, ...uploadOf(client, UploadId) };
}

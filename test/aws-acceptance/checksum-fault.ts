import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** S3 accepts no smaller part, except the last. */
const PART_BYTES = 5 * 1024 * 1024;

/**
 * Checks whether an S3 refuses the right checksum of an object in parts: the CRC-32 of the whole, announced as
 * `FULL_OBJECT`. An S3 that computes a composite of the parts' checksums answers `BadDigest`, and stores nothing.
 * @returns What is wrong, for the table. `undefined` if S3 accepts it, as AWS does.
 * @throws Any other error of S3.
 */
export async function findChecksumFault(
  s3: Pick<S3Client, 'send'>,
  place: { readonly Bucket: string; readonly Key: string },
): Promise<string | undefined> {
  const bytes = randomBytes(PART_BYTES + 1);
  const ChecksumType = 'FULL_OBJECT';
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32', ChecksumType }),
  );
  try {
    const Parts = [];
    for (const [index, Body] of [bytes.subarray(0, PART_BYTES), bytes.subarray(PART_BYTES)].entries()) {
      const part = { ...place, UploadId, PartNumber: index + 1, Body };
      const { ETag, ChecksumCRC32 } = await s3.send(
        new UploadPartCommand({ ...part, ChecksumAlgorithm: 'CRC32' }),
      );
      Parts.push({ PartNumber: index + 1, ETag, ...(ChecksumCRC32 && { ChecksumCRC32 }) });
    }
    await s3.send(
      new CompleteMultipartUploadCommand({
        ...place,
        UploadId,
        MultipartUpload: { Parts },
        ChecksumType,
        ChecksumCRC32: base64Of(crc32(bytes)),
      }),
    );
    await s3.send(new DeleteObjectCommand(place));
    return undefined;
  } catch (error) {
    await s3.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {});
    if (!(error instanceof Error) || error.name !== 'BadDigest') throw error;
    return 'a fault of this endpoint: its S3 computes a composite CRC where FULL_OBJECT was asked for, and answers BadDigest to the right one';
  }
}

function base64Of(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString('base64');
}

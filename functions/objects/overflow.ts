import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Overflow } from '../store/generation-store.ts';
import { isMissing } from './s3-refusal.ts';

/** Creates a store for requests that are too large for the table: objects under `prefix` in a bucket. */
export const createOverflow = (
  client: Pick<S3Client, 'send'>,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
): Overflow => ({
  async write(name, text) {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: `${prefix}${name}`,
        Body: text,
        ContentType: 'application/json',
      }),
    );
  },
  async read(name) {
    const command = new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${name}` });
    const { Body } = await client.send(command).catch((error: unknown) => {
      if (isMissing(error)) return { Body: undefined };
      throw error;
    });
    return Body?.transformToString();
  },
});

import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Overflow } from '../store/generation-store.ts';

/** Keeps requests that are too large for the table in a bucket, under `prefix`. */
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
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${name}` }));
    if (Body === undefined) throw new Error(`The request ${name} has no body in S3`);
    return Body.transformToString();
  },
});

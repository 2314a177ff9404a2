import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

/** Copies the file once in the simplest way: a stream from `fetch` into one PUT. */
async function main(): Promise<void> {
  const [origin = '', key = '', file = 'file.mp4'] = process.argv.slice(2);
  const client = new S3Client({ forcePathStyle: true });
  const startedAt = performance.now();
  const response = await fetch(`${origin}/${file}`);
  if (!response.body) throw new Error('The response has no body');
  await client.send(
    new PutObjectCommand({
      Bucket: 'bench',
      Key: key,
      Body: Readable.fromWeb(response.body as ReadableStream),
      ContentLength: Number(response.headers.get('content-length')),
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  process.send?.({ seconds, peakMib: process.resourceUsage().maxRSS / 1024 });
  process.exit();
}

// Bundled as CommonJS like a function, so top-level await is not available.
void main();

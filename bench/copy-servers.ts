import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../functions/objects/s3-client.ts';
import { LOCAL_CREDENTIALS, LOCAL_REGION } from '../local/aws/credentials.ts';
import { startS3 } from '../local/aws/s3.ts';
import { fileBlock, fileSlices } from './copy-file.ts';

/** Runs the output host and the S3 for all measurements in a separate process. */
const sizeBytes = Number(process.argv[2]);
const block = fileBlock();
const dataDir = await mkdtemp(join(tmpdir(), 'bench-copy-'));

const cdn = createServer((request, response) => {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const from = Number(first ?? 0);
  const to = Math.min(Number(last ?? sizeBytes - 1), sizeBytes - 1) + 1;
  response.writeHead(first === undefined ? 200 : 206, {
    'accept-ranges': 'bytes',
    'content-length': to - from,
    'content-type': 'video/mp4',
    etag: '"bench"',
    ...(first === undefined ? {} : { 'content-range': `bytes ${from}-${to - 1}/${sizeBytes}` }),
  });
  pipeline(Readable.from(fileSlices(block, from, to)), response).catch(() => {}); // The client disconnected.
});
await new Promise<void>((resolve) => cdn.listen(0, '127.0.0.1', resolve));
const s3 = await startS3({ dataDir });
const client = createS3Client({
  env: { AWS_REGION: LOCAL_REGION, AWS_ENDPOINT_URL_S3: s3.endpoint },
  credentials: LOCAL_CREDENTIALS,
});
await client.send(new CreateBucketCommand({ Bucket: 'bench' }));
client.destroy();

process.once('message', async () => {
  cdn.closeAllConnections();
  cdn.close();
  await s3.stop();
  await rm(dataDir, { recursive: true, force: true });
  process.disconnect();
});
process.send?.({ cdn: `127.0.0.1:${(cdn.address() as AddressInfo).port}`, s3: s3.endpoint });

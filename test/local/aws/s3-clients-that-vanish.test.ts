import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { Bucket, outcome, s3World } from './s3-world.ts';

/** Sends a request that disconnects during its body. */
function halfRequest() {
  const breaking = new AbortController();
  const Body = Readable.from(
    (async function* () {
      yield Buffer.alloc(200_000, 'a');
      breaking.abort();
      await new Promise(() => {});
    })(),
  );
  return {
    input: { Bucket, Key: 'a', Body, ContentLength: 400_000 },
    options: { abortSignal: breaking.signal },
  };
}

it('stores nothing of an interrupted upload', async () => {
  const { client, dataDir, events } = await s3World();
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
  const [object, part] = [halfRequest(), halfRequest()];

  const results = [
    await outcome(client.send(new PutObjectCommand(object.input), object.options)),
    await outcome(
      client.send(new UploadPartCommand({ ...part.input, UploadId, PartNumber: 1 }), part.options),
    ),
  ];

  expect(results).toEqual(['AbortError', 'AbortError']);
  await expect.poll(() => readdir(join(dataDir, Bucket, 'data'))).toEqual([]);
  expect(await outcome(client.send(new HeadObjectCommand({ Bucket, Key: 'a' })))).toBe('NotFound');
  const { Parts } = await client.send(new ListPartsCommand({ Bucket, Key: 'a', UploadId }));
  expect([Parts, events]).toEqual([undefined, []]);
});

it('removes an object replaced during a read once the reader has disconnected', async () => {
  const { client, dataDir } = await s3World();
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: Buffer.alloc(8 * 1024 ** 2) }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));

  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'new' }));
  (Body as Readable).destroy();

  await expect.poll(() => readdir(join(dataDir, Bucket, 'data'))).toHaveLength(1);
  const { Body: after } = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
  expect(await after?.transformToString()).toBe('new');
});

it('continues after invalid or incomplete HTTP requests', async () => {
  const { client, endpoint } = await s3World();
  const port = Number(new URL(endpoint).port);
  const send = (text: string) =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(text));
      socket
        .on('close', () => resolve())
        .on('error', () => {})
        .resume();
    });

  await send('hello\r\n\r\n');
  await send('PUT /photos/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc');
  await send('GET /photos/%ff HTTP/1.1\r\nhost: x\r\n\r\n');
  await send('GET /photos/../../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');

  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
});

it('stops at once, even during requests', async () => {
  const { client, stop } = await s3World();
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: Buffer.alloc(8 * 1024 ** 2) }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
  const endless = Readable.from(
    (async function* () {
      for (;;) {
        yield Buffer.alloc(65_536);
        await new Promise(setImmediate);
      }
    })(),
  );
  const upload = outcome(
    client.send(new PutObjectCommand({ Bucket, Key: 'b', Body: endless, ContentLength: 4 * 1024 ** 3 })),
  );
  const download = outcome(buffer(Body as Readable));

  await stop();

  expect(typeof (await upload)).toBe('string');
  expect(typeof (await download)).toBe('string');
});

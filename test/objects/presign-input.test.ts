import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { InputChangedError, UnlinkableKeyError } from '../../functions/objects/errors.ts';
import { createInputStore } from '../../functions/objects/input-store.ts';
import { createInputPresigner } from '../../functions/objects/presign-input.ts';
import { accessTo, BUCKET, type S3World, s3ClientFor, startS3World } from './s3-world.ts';

let s3: S3World;
beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());

const presignerOf = ({ client, access }: Pick<S3World, 'client' | 'access'>) =>
  createInputPresigner({ inputs: createInputStore(client), now: () => new Date(), access });

const object = { bucket: 'photos', key: 'a b.png', etag: '"1"', sizeBytes: 5 };

describe('a link to an input without versions', () => {
  it('works without credentials for 15 minutes, and is not pinned', async () => {
    const { ETag: etag = '' } = await s3.client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'a b.png', Body: 'bytes' }),
    );
    const presign = presignerOf(s3);

    const { url, isPinned } = await presign({ ...object, bucket: BUCKET, etag });

    expect(await (await fetch(url)).text()).toBe('bytes');
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('900');
    expect(isPinned).toBe(false);
  });

  it('is not created for a replaced or a missing object', async () => {
    const presign = presignerOf(s3);

    await expect(presign({ ...object, bucket: BUCKET })).rejects.toThrow(InputChangedError);
    await expect(presign({ ...object, bucket: BUCKET, key: 'gone' })).rejects.toThrow(InputChangedError);
  });
});

it.each(['a/../b.png', './b.png', 'a/..', '..'])('no link leads to the key %s', async (key) => {
  const { ETag: etag = '' } = await s3.client.send(
    new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'bytes' }),
  );

  await expect(presignerOf(s3)({ ...object, bucket: BUCKET, key, etag })).rejects.toThrow(UnlinkableKeyError);
});

describe('a link to a version', () => {
  /** An S3 that answers a HEAD of a version with `status`, and has another object under the key by now. */
  async function versioned(status: number, current = '"2"') {
    const server = createServer((request, response) => {
      const isVersion = request.url?.includes('versionId=v1') ?? false;
      response.writeHead(isVersion ? status : 200, { etag: isVersion ? '"1"' : current }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = s3ClientFor(endpoint);
    onTestFinished(() => client.destroy());
    return presignerOf({ client, access: accessTo(endpoint) });
  }
  const version = { ...object, versionId: 'v1' };

  it('names the version, even if the key has another object by now', async () => {
    const presign = await versioned(200);

    const { url, isPinned } = await presign(version);

    expect([new URL(url).searchParams.get('versionId'), isPinned]).toEqual(['v1', true]);
  });

  it('is not created for a deleted version', async () => {
    const presign = await versioned(404);

    await expect(presign(version)).rejects.toThrow(InputChangedError);
  });

  it('names no version without permission to read it, because Wiro could not read it either', async () => {
    const unchanged = await versioned(403, '"1"');
    const replaced = await versioned(403);

    const { url, isPinned } = await unchanged(version);

    expect([new URL(url).searchParams.has('versionId'), isPinned]).toEqual([false, false]);
    await expect(replaced(version)).rejects.toThrow(InputChangedError);
  });
});

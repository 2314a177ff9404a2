import { crc32 } from 'node:zlib';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStandingOutputs } from '../../functions/collect/standing-outputs.ts';
import { createHeadOutput } from '../../functions/objects/head-output.ts';
import { startMultipartUpload } from '../../functions/objects/multipart-upload.ts';
import { digestOf } from '../../functions/objects/ordered-digest.ts';
import { createPutBytes } from '../../functions/outputs/put-bytes.ts';
import { createCopiedNotes } from '../../functions/store/copied-notes.ts';
import { BUCKET, type S3World, startS3World } from '../objects/s3-world.ts';
import { createMemoryTable } from '../store/memory-table.ts';

let s3: S3World;
beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());

let made = 0;
function standingWorld() {
  const key = `outputs/g${++made}/1/0-a.png`;
  const place = { bucket: BUCKET, key, id: 'g1', attempt: 1, index: 0 };
  const standing = createStandingOutputs({
    head: createHeadOutput(s3.ask),
    notes: createCopiedNotes(createMemoryTable()),
  });
  /** Stores an object in parts, as the copier does. */
  async function putInParts(at: string, bytes: Buffer) {
    const { signal } = new AbortController();
    const upload = await startMultipartUpload(
      s3.ask,
      { bucket: BUCKET, key: at },
      { contentType: 'video/mp4' },
      signal,
    );
    const whole = digestOf(bytes);
    await upload.add(1, bytes, crc32(bytes), signal);
    await upload.complete(whole, signal);
    const { sha256, sizeBytes } = whole;
    return { bucket: BUCKET, key: at, contentType: 'video/mp4', sizeBytes, sha256, crc32: whole.crc32 };
  }
  return { place, standing, putInParts };
}

describe('an output in one piece', () => {
  it('is found with the SHA-256 that S3 keeps, if its size is as in the record', async () => {
    const { place, standing } = standingWorld();
    const copy = await createPutBytes(s3.ask)(place, Buffer.from('png'), 'image/png');

    const found = await standing.find(place, { sizeBytes: 3 });

    expect(found).toEqual({
      bucket: BUCKET,
      key: place.key,
      contentType: 'image/png',
      sizeBytes: 3,
      sha256: copy.sha256,
    });
    expect([await standing.find(place, { sizeBytes: 4 }), await standing.find(place, {})]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('is not found if there is no object, or one without a SHA-256', async () => {
    const { place, standing } = standingWorld();
    const nothing = await standing.find(place, { sizeBytes: 3 });
    await s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: place.key, Body: 'png' }));

    expect([nothing, await standing.find(place, { sizeBytes: 3 })]).toEqual([undefined, undefined]);
  });
});

it('an output of another type than in its record is not found: the difference may not have been noted', async () => {
  const { place, standing } = standingWorld();
  const svg = { ...place, key: `${place.key}.svg` };
  await createPutBytes(s3.ask)(place, Buffer.from('jpg'), 'image/jpeg');
  await createPutBytes(s3.ask)(svg, Buffer.from('<svg'), 'application/octet-stream');
  const find = (contentType: string, at = place, sizeBytes = 3) =>
    standing.find(at, { sizeBytes, contentType });

  expect(await find('image/png')).toBeUndefined();
  expect(await find('image/png', svg, 4)).toBeUndefined();
  expect(await find('image/svg+xml', svg, 4)).toMatchObject({ contentType: 'application/octet-stream' });
  expect([
    await find('image/jpg'),
    await find('application/octet-stream'),
    await find('image/x-other'),
  ]).toEqual(Array.from({ length: 3 }, () => expect.objectContaining({ contentType: 'image/jpeg' })));
});

describe('an output that came in parts', () => {
  it('is found by its note, under any key, and not without a note', async () => {
    const { place, standing, putInParts } = standingWorld();
    const copy = await putInParts(place.key, Buffer.from('a film'));
    const before = await standing.find(place, { sizeBytes: 6 });

    await standing.note(place, copy);

    const { crc32: _, ...found } = copy;
    expect([before, await standing.find(place, { sizeBytes: 6 })]).toEqual([undefined, found]);
    const beside = await putInParts(`${place.key}~12345678`, Buffer.from('other'));
    await standing.note(place, beside);
    expect(await standing.find(place, {})).toMatchObject({ key: beside.key, sizeBytes: 5 });
  });

  it('is not found if other bytes are there, of any size', async () => {
    const { place, standing, putInParts } = standingWorld();
    const copy = await putInParts(place.key, Buffer.from('a film'));
    await standing.note(place, copy);
    await s3.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: place.key }));
    await putInParts(place.key, Buffer.from('b film'));

    expect(await standing.find(place, { sizeBytes: 6 })).toBeUndefined();
  });

  it('is noted once for its attempt and place', async () => {
    const { place, standing, putInParts } = standingWorld();
    await standing.note(place, await putInParts(place.key, Buffer.from('a film')));

    expect(await standing.find({ ...place, attempt: 2 }, { sizeBytes: 6 })).toBeUndefined();
    expect(await standing.find({ ...place, index: 1 }, { sizeBytes: 6 })).toBeUndefined();
  });
});

import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { storeOnce } from '../../functions/objects/store-once.ts';
import { createPutBytes } from '../../functions/outputs/put-bytes.ts';

const PLACE = { bucket: 'outputs', key: 'outputs/g1/1/0-answer.json' };
// The digest of "hello".
const HELLO = {
  sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
  crc32: 'NhCmhg==',
  sizeBytes: 5,
};
const HELLO_SHA256 = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=';

const answered = (httpStatusCode: number, name: string) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
const conflict = () => answered(409, 'ConditionalRequestConflict');
const stands = () => answered(412, 'PreconditionFailed');

/** An S3 that answers a HEAD with `head`, and successive writes with the given results. */
function world(head: object | Error, ...ends: (Error | undefined)[]) {
  const sent: string[] = [];
  const client = {
    send: async (command: object) => {
      const { Key } = (command as HeadObjectCommand).input;
      sent.push(`${command.constructor.name.replace('Command', '')} ${Key}`);
      const end = command instanceof HeadObjectCommand ? head : ends.shift();
      if (end instanceof Error) throw end;
      return end ?? {};
    },
  };
  const write = () => client.send(new PutObjectCommand({ Bucket: PLACE.bucket, Key: PLACE.key }));
  const deps = { client, pause: async () => {} } as Parameters<typeof storeOnce>[0];
  return { deps, sent, store: () => storeOnce(deps, PLACE, HELLO, write) };
}

describe('storeOnce', () => {
  it('makes no further call if the key was free', async () => {
    const { store, sent } = world({});

    expect(await store()).toBe('stored');
    expect(sent).toEqual([`PutObject ${PLACE.key}`]);
  });

  it.each([
    ['its SHA-256 is the same', { ContentLength: 5, ChecksumSHA256: HELLO_SHA256 }, 'same'],
    ['it came in parts, and its CRC-32 is the same', { ContentLength: 5, ChecksumCRC32: 'NhCmhg==' }, 'same'],
    ['its size is another', { ContentLength: 6, ChecksumSHA256: HELLO_SHA256 }, 'other'],
    ['its SHA-256 is another', { ContentLength: 5, ChecksumSHA256: 'x', ChecksumCRC32: 'NhCmhg==' }, 'other'],
    ['its CRC-32 is another', { ContentLength: 5, ChecksumCRC32: 'x' }, 'other'],
    ['it has no sum', { ContentLength: 5 }, 'other'],
    ['nobody may look at it', answered(403, 'Forbidden'), 'other'],
  ])('compares the existing object: %s', async (_, head, outcome) => {
    const { store } = world(head, stands());

    expect(await store()).toBe(outcome);
  });

  it('tries again while another write is in progress, and fails after four tries', async () => {
    const { store, sent } = world({}, conflict(), conflict(), undefined);
    const hopeless = world({}, ...Array.from({ length: 9 }, conflict));

    expect(await store()).toBe('stored');
    expect(sent).toHaveLength(3);
    await expect(hopeless.store()).rejects.toThrow('ConditionalRequestConflict');
    expect(hopeless.sent).toHaveLength(4);
  });

  it('treats a missing upload as completed only if the object exists', async () => {
    const gone = answered(404, 'NoSuchUpload');
    const completed = world({ ContentLength: 5, ChecksumCRC32: 'NhCmhg==' }, gone);
    const swept = world(answered(404, 'NotFound'), gone);

    expect(await completed.store()).toBe('same');
    await expect(swept.store()).rejects.toThrow('NoSuchUpload');
  });

  it('rethrows any other failure of S3', async () => {
    await expect(world({}, answered(503, 'SlowDown')).store()).rejects.toThrow('SlowDown');
    await expect(world(answered(500, 'InternalError'), stands()).store()).rejects.toThrow('InternalError');
  });
});

describe('putOnce', () => {
  it('uses the alternative key if the key has other bytes', async () => {
    const { deps, sent } = world({ ContentLength: 9, ChecksumSHA256: 'x' }, stands());

    const stored = await createPutBytes(deps.client)(PLACE, Buffer.from('hello'), 'text/plain');

    expect(stored).toEqual({
      bucket: 'outputs',
      key: 'outputs/g1/1/0-answer~2cf24dba.json',
      contentType: 'text/plain',
      sizeBytes: 5,
      sha256: HELLO.sha256,
    });
    expect(sent).toEqual([
      `PutObject ${PLACE.key}`,
      `HeadObject ${PLACE.key}`,
      'PutObject outputs/g1/1/0-answer~2cf24dba.json',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { type AskS3, S3RefusalError } from '../../functions/objects/ask-s3.ts';
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

const answered = (httpStatusCode: number, name: string) => new S3RefusalError(name, name, httpStatusCode);
const conflict = () => answered(409, 'ConditionalRequestConflict');
const stands = () => answered(412, 'PreconditionFailed');

/** An S3 that answers a HEAD with the headers `head`, and successive writes with the given results. */
function world(head: Readonly<Record<string, string>> | Error, ...ends: (Error | undefined)[]) {
  const sent: string[] = [];
  const ask: AskS3 = async ({ method, key }) => {
    sent.push(`${method} ${key}`);
    const end = method === 'HEAD' ? head : ends.shift();
    if (end instanceof Error) throw end;
    return { statusCode: 200, headers: end ?? {}, text: '' };
  };
  const write = () => ask({ ...PLACE, method: 'PUT', purpose: 'store it' });
  return { ask, sent, store: () => storeOnce({ ask, pause: async () => {} }, PLACE, HELLO, write) };
}

describe('storeOnce', () => {
  it('makes no further call if the key was free', async () => {
    const { store, sent } = world({});

    expect(await store()).toBe('stored');
    expect(sent).toEqual([`PUT ${PLACE.key}`]);
  });

  it.each([
    ['its SHA-256 is the same', { 'content-length': '5', 'x-amz-checksum-sha256': HELLO_SHA256 }, 'same'],
    [
      'it came in parts, and its CRC-32 is the same',
      { 'content-length': '5', 'x-amz-checksum-crc32': 'NhCmhg==' },
      'same',
    ],
    ['its size is another', { 'content-length': '6', 'x-amz-checksum-sha256': HELLO_SHA256 }, 'other'],
    [
      'its SHA-256 is another',
      { 'content-length': '5', 'x-amz-checksum-sha256': 'x', 'x-amz-checksum-crc32': 'NhCmhg==' },
      'other',
    ],
    ['its CRC-32 is another', { 'content-length': '5', 'x-amz-checksum-crc32': 'x' }, 'other'],
    ['it has no sum', { 'content-length': '5' }, 'other'],
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
    const completed = world({ 'content-length': '5', 'x-amz-checksum-crc32': 'NhCmhg==' }, gone);
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
    const { ask, sent } = world({ 'content-length': '9', 'x-amz-checksum-sha256': 'x' }, stands());

    const stored = await createPutBytes(ask)(PLACE, Buffer.from('hello'), 'text/plain');

    expect(stored).toEqual({
      bucket: 'outputs',
      key: 'outputs/g1/1/0-answer~2cf24dba.json',
      contentType: 'text/plain',
      sizeBytes: 5,
      sha256: HELLO.sha256,
    });
    expect(sent).toEqual([
      `PUT ${PLACE.key}`,
      `HEAD ${PLACE.key}`,
      'PUT outputs/g1/1/0-answer~2cf24dba.json',
    ]);
  });
});

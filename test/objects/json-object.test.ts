import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createJsonObjects } from '../../functions/objects/json-object.ts';
import { BUCKET, type S3World, startS3World } from './s3-world.ts';

let s3: S3World;
beforeAll(async () => {
  s3 = await startS3World();
});
afterAll(() => s3.stop());

const ref = (key: string) => ({ bucket: BUCKET, key });
const put = (key: string, Body: string) =>
  s3.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body }));

it('reads what it wrote, and undefined if no object exists', async () => {
  const objects = createJsonObjects({ client: s3.client });

  expect(await objects.read(ref('a.json'))).toBeUndefined();
  await objects.write(ref('a.json'), { a: ['ü'] }, { kind: 'always' });

  expect((await objects.read(ref('a.json')))?.value).toEqual({ a: ['ü'] });
  expect((await s3.head('a.json')).ContentType).toBe('application/json');
});

it('writes only if its condition holds', async () => {
  const objects = createJsonObjects({ client: s3.client });

  expect(await objects.write(ref('b.json'), 1, { kind: 'missing' })).toBe(true);
  expect(await objects.write(ref('b.json'), 2, { kind: 'missing' })).toBe(false);
  const etag = (await objects.read(ref('b.json')))?.etag ?? '';
  expect(await objects.write(ref('b.json'), 3, { kind: 'unchanged', etag })).toBe(true);
  expect(await objects.write(ref('b.json'), 4, { kind: 'unchanged', etag })).toBe(false);
  expect(await objects.write(ref('none.json'), 5, { kind: 'unchanged', etag })).toBe(false);

  expect((await objects.read(ref('b.json')))?.value).toBe(3);
});

it('removes the object that was read, and not one that was written since', async () => {
  const objects = createJsonObjects({ client: s3.client });
  await objects.write(ref('gone.json'), 1, { kind: 'always' });
  const seen = (await objects.read(ref('gone.json')))?.etag ?? '';
  await objects.write(ref('gone.json'), 2, { kind: 'always' });

  expect(await objects.remove(ref('gone.json'), seen)).toBe(false);
  const standing = await objects.read(ref('gone.json'));
  expect(standing?.value).toBe(2);

  expect(await objects.remove(ref('gone.json'), standing?.etag ?? '')).toBe(true);
  expect(await objects.remove(ref('gone.json'), standing?.etag ?? '')).toBe(false);
  expect(await objects.read(ref('gone.json'))).toBeUndefined();
});

it('loses no change when many writers change one object concurrently', async () => {
  const objects = createJsonObjects({ client: s3.client });
  const names = Array.from({ length: 12 }, (_, index) => `g${index}`);

  await Promise.all(
    names.map((name) =>
      objects.update(ref('many.json'), (value) => [...((value as string[] | undefined) ?? []), name]),
    ),
  );

  const stored = await objects.read(ref('many.json'));
  expect((stored?.value as string[] | undefined)?.toSorted()).toEqual(names.toSorted());
}, 30_000);

it('writes nothing when nothing changes', async () => {
  const objects = createJsonObjects({ client: s3.client });
  await objects.write(ref('same.json'), { a: 1 }, { kind: 'always' });
  const before = await objects.read(ref('same.json'));

  await objects.update(ref('same.json'), (value) => value);

  expect(await objects.read(ref('same.json'))).toEqual(before);
});

it('fails on an object that is not JSON or too large, instead of treating it as missing', async () => {
  const objects = createJsonObjects({ client: s3.client, maxBytes: 10 });
  await put('bad.json', '{"a":');
  await put('large.json', JSON.stringify('x'.repeat(10)));

  await expect(objects.read(ref('bad.json'))).rejects.toThrow('not JSON');
  await expect(objects.read(ref('large.json'))).rejects.toThrow('larger than 10 bytes');
});

it('reads an object with a byte order mark', async () => {
  const objects = createJsonObjects({ client: s3.client });
  await put('mark.json', '\uFEFF{"a": 1}');

  expect((await objects.read(ref('mark.json')))?.value).toEqual({ a: 1 });
});

it('changes one object at a time, to limit memory', async () => {
  const objects = createJsonObjects({ client: s3.client });
  await put('broken.json', '{');
  const steps: string[] = [];
  const change = (name: string) => (value: unknown) => {
    steps.push(name);
    return [...((value as string[] | undefined) ?? []), name];
  };

  const broken = objects.update(ref('broken.json'), change('never'));
  const first = objects.update(ref('one.json'), change('one'));
  const second = objects.update(ref('two.json'), change('two'));

  await expect(broken).rejects.toThrow('not JSON');
  await Promise.all([first, second]);
  expect(steps).toEqual(['one', 'two']);
});

import { describe, expect, it, vi } from 'vitest';
import { createUploadStore } from '../../functions/store/upload-store.ts';
import { at } from '../generation/examples.ts';
import { clockAt, doFirst, useTables } from './table-world.ts';

vi.setConfig({ testTimeout: 30_000 });

const { createWorld } = useTables();

const DAY = 86_400_000;
const EVER = at(-1_000_000);
const key = { sha256: 'abc', extension: '.png' };
const url = 'https://cdn.wiro.ai/abc.png';

async function uploadWorld() {
  const world = await createWorld();
  const { clock, pass } = clockAt(at(0));
  const open = (table = world.table) => createUploadStore(table, { leaseMs: 90_000, keepMs: DAY, clock });
  return { ...world, uploads: open(), open, pass };
}

describe('what an object holds', () => {
  it('is remembered by its ETag, because another ETag means other content', async () => {
    const { uploads } = await uploadWorld();
    const object = { bucket: 'photos', key: 'a/b c.png', etag: '"1"' };

    const before = await uploads.contentOf(object);
    await uploads.noteContent(object, 'abc');

    expect([before, await uploads.contentOf(object)]).toEqual([undefined, 'abc']);
    expect(await uploads.contentOf({ ...object, etag: '"2"' })).toBeUndefined();
    expect(await uploads.contentOf({ ...object, bucket: 'other' })).toBeUndefined();
  });
});

describe('an upload', () => {
  it('is claimed by one of many concurrent holders', async () => {
    const { uploads } = await uploadWorld();

    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, n) => uploads.claim(key, `holder-${n}`, EVER)),
    );

    expect(claims.map(({ kind }) => kind).toSorted()).toEqual([
      'ours',
      ...Array.from({ length: 19 }, () => 'theirs'),
    ]);
  });

  it('is found by every holder once it is done, with the generation that made it', async () => {
    const { uploads } = await uploadWorld();
    await uploads.claim(key, 'a', EVER);

    await uploads.done(key, url, 'generation-1');

    expect(await uploads.claim(key, 'b', EVER)).toEqual({ kind: 'uploaded', url, by: 'generation-1' });
  });

  it('of the same bytes under another extension is another one, because Wiro reads the extension', async () => {
    const { uploads } = await uploadWorld();
    await uploads.done(key, url, 'generation-1');

    expect(await uploads.claim({ ...key, extension: '.jpg' }, 'b', EVER)).toEqual({ kind: 'ours' });
  });

  it('can be claimed again by its own holder, whose answer was lost', async () => {
    const { uploads } = await uploadWorld();

    const claims = [await uploads.claim(key, 'a', EVER), await uploads.claim(key, 'a', EVER)];

    expect(claims).toEqual([{ kind: 'ours' }, { kind: 'ours' }]);
  });

  it.each([
    [89_999, 'theirs'],
    [90_000, 'ours'],
  ])('whose holder is silent is claimed by another after %d ms: %s', async (milliseconds, kind) => {
    const { uploads, pass } = await uploadWorld();
    await uploads.claim(key, 'a', EVER);

    pass(milliseconds);

    expect(await uploads.claim(key, 'b', EVER)).toEqual({ kind });
  });

  it('whose lease is over is claimed by one of many', async () => {
    const { uploads, pass } = await uploadWorld();
    await uploads.claim(key, 'a', EVER);
    pass(90_000);

    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, n) => uploads.claim(key, `holder-${n}`, EVER)),
    );

    expect(claims.filter(({ kind }) => kind === 'ours')).toHaveLength(1);
  });

  it('that was given back is free at once, and only its holder can give it back', async () => {
    const { uploads } = await uploadWorld();
    await uploads.claim(key, 'a', EVER);

    await uploads.release(key, 'b');
    const before = await uploads.claim(key, 'c', EVER);
    await uploads.release(key, 'a');
    const after = await uploads.claim(key, 'c', EVER);

    expect([before, after]).toEqual([{ kind: 'theirs' }, { kind: 'ours' }]);
  });

  it('that is done stays done if its holder gives it back late', async () => {
    const { uploads } = await uploadWorld();
    await uploads.claim(key, 'a', EVER);
    await uploads.done(key, url, 'generation-1');

    await uploads.release(key, 'a');

    expect(await uploads.claim(key, 'b', EVER)).toMatchObject({ kind: 'uploaded' });
  });

  it.each([
    [DAY, 'uploaded'],
    [DAY + 1, 'ours'],
  ])('is used again after %d ms: %s', async (milliseconds, kind) => {
    const { uploads, pass } = await uploadWorld();
    await uploads.done(key, url, 'generation-1');

    pass(milliseconds);

    expect(await uploads.claim(key, 'b', EVER)).toMatchObject({ kind });
  });

  it('from before a failed run does not count, and one holder uploads again', async () => {
    const { uploads, pass } = await uploadWorld();
    await uploads.done(key, url, 'generation-1');
    pass(1_000);

    const claims = await Promise.all(['a', 'b'].map((holder) => uploads.claim(key, holder, at(0.5))));
    await uploads.done(key, 'https://cdn.wiro.ai/new.png', 'generation-2');

    expect(claims.map(({ kind }) => kind).toSorted()).toEqual(['ours', 'theirs']);
    expect(await uploads.claim(key, 'c', at(0.5))).toMatchObject({ url: 'https://cdn.wiro.ai/new.png' });
  });

  it('that was finished between a look and a claim is not claimed', async () => {
    const { table, uploads, open, pass } = await uploadWorld();
    await uploads.claim(key, 'a', EVER);
    pass(90_000);
    const late = open(doFirst(table, 'PutItemCommand', () => uploads.done(key, url, 'generation-1')));

    const claim = await late.claim(key, 'b', EVER);

    expect(claim).toEqual({ kind: 'theirs' });
    expect(await uploads.claim(key, 'b', EVER)).toMatchObject({ kind: 'uploaded' });
  });
});

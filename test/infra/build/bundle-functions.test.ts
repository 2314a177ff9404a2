import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Bundle } from '../../../infra/build/bundle.ts';
import { bundleEntry } from '../../../infra/build/bundle-functions.ts';
import { describeBundle } from '../../../infra/build/bundle-report.ts';

const ENTRY = path.join(import.meta.dirname, 'fixtures/lazy/handler.ts');
/** Quickly bundled: two files and no package. */
const SMALL = path.join(import.meta.dirname, 'fixtures/small/handler.ts');
const require = createRequire(import.meta.url);
const sources = (files: readonly { sources: Readonly<Record<string, number>> }[]) =>
  files.flatMap((file) => Object.keys(file.sources)).join('\n');

let outDir: string;
let bundle: Bundle;
let ask: (question: string) => Promise<unknown>;

beforeAll(async () => {
  outDir = await mkdtemp(path.join(tmpdir(), 'wiro-bundle-'));
  bundle = await bundleEntry(ENTRY, outDir);
  ask = require(path.join(bundle.directory, 'index.js')).handler;
}, 60_000);
afterAll(() => rm(outDir, { recursive: true }));

describe('a bundled function', () => {
  it('loads a lazily imported module from a separate file', async () => {
    const files = await describeBundle(bundle);

    const atStart = sources(files.filter(({ isLoadedAtStart }) => isLoadedAtStart));
    const later = sources(files.filter(({ isLoadedAtStart }) => !isLoadedAtStart));
    expect(atStart).toContain('client-dynamodb');
    expect(atStart).not.toContain('client-s3');
    expect(later).toContain('client-s3');
  });

  it('loads one file at its start, although a lazily imported module shares a part of it', async () => {
    const files = await describeBundle(bundle);

    const atStart = files.filter(({ isLoadedAtStart }) => isLoadedAtStart);
    expect(atStart.map(({ name }) => name)).toEqual(['index.js']);
    expect(Object.keys(atStart[0]?.sources ?? {})).toContain('test/infra/build/fixtures/lazy/not-found.ts');
  });

  it('recognizes a class across a lazy import, because every module exists once', async () => {
    expect(await ask('instanceof across a lazy import')).toBe(true);
  });

  it('reads the default export of a lazily imported CommonJS file', async () => {
    expect(await ask('default export of a CommonJS file')).toBe('hello');
  });

  it("takes credentials from Lambda's environment, and has no code for other sources", async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'token');
    vi.stubEnv('AWS_PROFILE', 'somebody-else');

    const credentials = await ask('credentials').finally(() => vi.unstubAllEnvs());

    expect(credentials).toMatchObject({
      accessKeyId: 'AKID',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    });
    expect(sources(await describeBundle(bundle))).not.toMatch(/credential-provider|nested-clients/);
  });

  it('looks for no files of a user, who may have no home', async () => {
    vi.stubEnv('HOME', undefined);
    const homedir = vi.spyOn(os, 'homedir').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_os_homedir');
    });

    const attempts = await ask('a setting that is in no environment').finally(() => {
      homedir.mockRestore();
      vi.unstubAllEnvs();
    });

    expect(attempts).toEqual(expect.any(Number));
    expect(sources(await describeBundle(bundle))).not.toContain('getHomeDir');
  });

  it('is CommonJS regardless of the surrounding folders, and contains no source maps', async () => {
    const files = await readdir(bundle.directory);

    expect(require(path.join(bundle.directory, 'package.json'))).toEqual({ type: 'commonjs' });
    expect(files.filter((file) => !file.endsWith('.js'))).toEqual(['package.json']);
  });
});

describe('bundling', () => {
  it('leaves one complete directory when several processes bundle the same code at once', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'wiro-bundle-'));

    const bundles = await Promise.all([1, 2, 3].map(() => bundleEntry(SMALL, directory)));

    expect(new Set(bundles.map((each) => each.directory)).size).toBe(1);
    const [standing = ''] = await readdir(directory);
    expect(await readdir(directory)).toEqual([path.basename(bundles[0]?.directory ?? '')]);
    expect(await readdir(path.join(directory, standing))).toHaveLength(3);
    await rm(directory, { recursive: true });
  }, 60_000);

  it('removes only bundles that were not built for a week', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'wiro-bundle-'));
    const { directory: current } = await bundleEntry(SMALL, directory);
    const entry = path.join(import.meta.dirname, 'fixtures/lazy/not-found.ts');
    const other = await bundleEntry(entry, directory);
    const twoWeeksAgo = new Date(Date.now() - 14 * 24 * 3_600_000);
    await utimes(other.directory, twoWeeksAgo, twoWeeksAgo);

    await bundleEntry(SMALL, directory);

    expect(await readdir(directory)).toEqual([path.basename(current)]);
    await rm(directory, { recursive: true });
  }, 60_000);

  it('fails with the name of the missing file', async () => {
    await expect(bundleEntry('/no/such/handler.ts', outDir)).rejects.toThrow('/no/such/handler.ts');
  });
});

import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bundle } from '../../../infra/build/bundle.ts';
import { rememberBundle } from '../../../infra/build/remember-bundle.ts';

const SOURCES = ['functions/a.ts', 'functions/b.ts'];
const LOCK = 'node_modules/.package-lock.json';
const ENTRY = { bytes: 1, imports: [] };

let root: string;
let outDir: string;
let built: number;

/** Writes a file with an old modification time. */
async function put(file: string, content: string): Promise<void> {
  const where = path.join(root, file);
  await mkdir(path.dirname(where), { recursive: true });
  await writeFile(where, content);
  await utimes(where, new Date(0), new Date(0));
}

async function build(): Promise<Bundle> {
  built += 1;
  const directory = path.join(outDir, `bundle-${built}`);
  await mkdir(directory, { recursive: true });
  const inputs = Object.fromEntries([...SOURCES, 'node_modules/p/i.js'].map((name) => [name, ENTRY]));
  return { directory, handler: 'index.handler', metafile: { inputs, outputs: {} } };
}

const bundle = () => rememberBundle(root, outDir, build);

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'wiro-remember-'));
  outDir = path.join(root, '.build');
  built = 0;
  const files = [
    'infra/build/bundle-functions.ts',
    'infra/build/remember-bundle.ts',
    'tsconfig.json',
    LOCK,
    ...SOURCES,
  ];
  for (const file of files) await put(file, 'first');
});
afterEach(() => rm(root, { recursive: true }));

describe('a remembered bundle', () => {
  it('is not built again if nothing has changed', async () => {
    const first = await bundle();
    const second = await bundle();

    expect(built).toBe(1);
    expect(second).toEqual(first);
  });

  it.each([
    ['a source', 'functions/b.ts'],
    ['a package', LOCK],
    ['the bundling code', 'infra/build/bundle-functions.ts'],
    ['the compiler’s settings', 'tsconfig.json'],
  ])('is built again if %s changes, even with the old modification time', async (_, file) => {
    await bundle();
    await put(file, 'other');

    const { directory } = await bundle();

    expect(directory).toBe(path.join(outDir, 'bundle-2'));
  });

  it('is built again if it or one of its sources was removed', async () => {
    const { directory } = await bundle();
    await rm(directory, { recursive: true });
    await bundle();
    await rm(path.join(root, 'functions/a.ts'));

    await bundle();

    expect(built).toBe(3);
  });

  it('is built again if a source was saved during the build', async () => {
    await rememberBundle(root, outDir, async () => {
      await writeFile(path.join(root, 'functions/a.ts'), 'saved');
      await utimes(
        path.join(root, 'functions/a.ts'),
        new Date(Date.now() + 1_000),
        new Date(Date.now() + 1_000),
      );
      return build();
    });
    await bundle();

    expect(built).toBe(2);
  });

  it('is built again if its record cannot be read', async () => {
    await bundle();
    await writeFile(path.join(outDir, 'latest.json'), '{');

    await bundle();

    expect(built).toBe(2);
  });
});

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from './bundle.ts';

interface Remembered {
  /** The project's own source files in the bundle, relative to the project's root. */
  readonly sources: readonly string[];
  readonly fingerprint: string;
  /** Relative to the bundle's output directory. */
  readonly directory: string;
  readonly handler: string;
  readonly metafile: Bundle['metafile'];
}

/** Inputs of every bundle besides its sources: the build itself and the installed packages. */
const ALWAYS = [
  'infra/build/bundle-functions.ts',
  'infra/build/remember-bundle.ts',
  'tsconfig.json',
  'node_modules/.package-lock.json',
];

/**
 * Returns the last bundle if its inputs are unchanged, and builds it otherwise. A build takes a second, and many test
 * files need one. Compares content, but not that of `node_modules`: after editing a package there by hand, remove
 * `.build/`.
 */
export async function rememberBundle(
  root: string,
  outDir: string,
  build: () => Promise<Bundle>,
): Promise<Bundle> {
  const file = path.join(outDir, 'latest.json');
  const latest = await readLatest(file);
  if (latest !== undefined && latest.fingerprint === (await fingerprint(root, latest.sources))) {
    const directory = path.join(outDir, latest.directory);
    // Marks it as used, so that `removeOld` keeps it. Fails if the directory no longer exists.
    const exists = await utimes(directory, new Date(), new Date()).then(
      () => true,
      () => false,
    );
    if (exists) return { directory, handler: latest.handler, metafile: latest.metafile };
  }
  const startedAt = Date.now();
  const bundle = await build();
  const { directory, handler, metafile } = bundle;
  const sources = Object.keys(metafile.inputs).filter((source) => !source.includes('node_modules/'));
  const sum = await fingerprint(root, sources);
  // A source saved during the build may be in the bundle or not. Do not remember such a bundle.
  if (sum !== undefined && (await newestOf(root, sources)) < startedAt) {
    const remembered: Remembered = {
      sources,
      fingerprint: sum,
      directory: path.basename(directory),
      handler,
      metafile,
    };
    await writeAtomically(file, JSON.stringify(remembered));
  }
  return bundle;
}

async function readLatest(file: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // Missing or unreadable: building again is always correct.
    return undefined;
  }
}

/** @returns `undefined` if a file no longer exists. */
async function fingerprint(root: string, sources: readonly string[]): Promise<string | undefined> {
  const hash = createHash('sha256').update(process.version);
  try {
    for (const source of [...ALWAYS, ...sources]) {
      const content = await readFile(path.join(root, source));
      hash.update(`\0${source}\0${content.length}\0`).update(content);
    }
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}

async function newestOf(root: string, sources: readonly string[]): Promise<number> {
  const times = await Promise.all(sources.map((source) => stat(path.join(root, source))));
  return Math.max(...times.map(({ mtimeMs }) => mtimeMs));
}

async function writeAtomically(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, text);
  await rename(unfinished, file);
}

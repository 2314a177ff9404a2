import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from './bundle.ts';

interface Remembered {
  /** Whatever of the project's own went in, from its root. */
  readonly sources: readonly string[];
  readonly fingerprint: string;
  /** Below the directory that remembers it. */
  readonly directory: string;
  readonly handler: string;
  readonly metafile: Bundle['metafile'];
}

/** What decides on a bundle besides its sources: how it is made, and which packages are installed. */
const ALWAYS = [
  'infra/build/bundle-functions.ts',
  'infra/build/remember-bundle.ts',
  'tsconfig.json',
  'node_modules/.package-lock.json',
];

/**
 * The bundle that `build` made last, if it would make the same now: it takes a second, and test files ask often.
 * Goes by content; a package edited by hand under `node_modules` is not seen (remove `.build/`).
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
    // Counts as used, so that it is not tidied away. Missing if somebody removed it.
    const stands = await utimes(directory, new Date(), new Date()).then(
      () => true,
      () => false,
    );
    if (stands) return { directory, handler: latest.handler, metafile: latest.metafile };
  }
  const startedAt = Date.now();
  const bundle = await build();
  const { directory, handler, metafile } = bundle;
  const sources = Object.keys(metafile.inputs).filter((source) => !source.includes('node_modules/'));
  const sum = await fingerprint(root, sources);
  // A file saved meanwhile may have been read before or after: next time it is built again.
  if (sum !== undefined && (await newestOf(root, sources)) < startedAt) {
    const remembered: Remembered = {
      sources,
      fingerprint: sum,
      directory: path.basename(directory),
      handler,
      metafile,
    };
    await writeWhole(file, JSON.stringify(remembered));
  }
  return bundle;
}

async function readLatest(file: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // None yet, or not readable: then it is built, which is always right.
    return undefined;
  }
}

/** @returns `undefined` when a file is gone. */
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

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, text);
  await rename(unfinished, file);
}

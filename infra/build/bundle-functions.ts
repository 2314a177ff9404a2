import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import type { Bundle } from './bundle.ts';
import { rememberBundle } from './remember-bundle.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BUNDLES = '.build/functions';
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Bundles every function of `functions/functions.ts`. May run several times at once over the same directory.
 * @param outDir - Seen from the project's root.
 */
export async function bundleFunctions(outDir = BUNDLES): Promise<Record<FunctionName, Bundle>> {
  const entries = Object.entries(FUNCTIONS).map(async ([name, { entry }]) => {
    const directory = path.resolve(ROOT, outDir, name);
    const build = () => bundleEntry(path.join(ROOT, 'functions', entry), directory);
    return [name, await rememberBundle(ROOT, directory, build)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Bundles one file and whatever it imports.
 *
 * What is imported lazily (`await import('../collect/collect.ts')`) becomes a file of its own, and so does what such files
 * share: every module exists once, so `instanceof` and module state hold across a lazy import. esbuild does this
 * for ES modules alone, and CommonJS loads faster, so each file is converted afterwards.
 *
 * Names of classes and functions are shortened: `error.constructor.name` means nothing in a bundle.
 * @param outDir - Gets one directory for each content.
 */
export async function bundleEntry(entry: string, outDir: string): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild.build({
    ...esModuleOptions(entry),
    outdir: outDir,
    write: false,
  });
  const files = await Promise.all(
    outputFiles.map(async ({ path: file, text }) => ({
      name: path.basename(file),
      code: await toCommonJs(text),
    })),
  );
  return { directory: await publish(files, outDir), handler: 'index.handler', metafile };
}

const TARGET = { platform: 'node', target: 'node24', legalComments: 'none', logLevel: 'silent' } as const;

/** How a function is bundled before it becomes CommonJS. */
export function esModuleOptions(entry: string) {
  return {
    ...TARGET,
    absWorkingDir: ROOT,
    entryPoints: { index: entry },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    chunkNames: '[name]-[hash]',
    mainFields: ['module', 'main'],
    alias: { '@aws-sdk/credential-provider-node': path.join(import.meta.dirname, 'lambda-credentials.ts') },
    metafile: true,
  } as const satisfies esbuild.BuildOptions;
}

async function toCommonJs(code: string): Promise<string> {
  const converted = await esbuild.transform(code, {
    ...TARGET,
    // The rest was made short before.
    minifyWhitespace: true,
    format: 'cjs',
    // `import()` in CommonJS would go through Node's ES module loader: as `require` it is faster.
    supported: { 'dynamic-import': false },
  });
  return converted.code;
}

interface OutputFile {
  readonly name: string;
  readonly code: string;
}

/** Puts `files` into a directory named after their content, whole or not at all. */
async function publish(files: readonly OutputFile[], outDir: string): Promise<string> {
  const all = [...files, { name: 'package.json', code: '{"type":"commonjs"}\n' }];
  const directory = path.join(outDir, contentHash(all));
  const unfinished = path.join(outDir, `unfinished-${randomUUID()}`);
  await mkdir(unfinished, { recursive: true });
  await Promise.all(all.map(({ name, code }) => writeFile(path.join(unfinished, name), code)));
  try {
    await rename(unfinished, directory);
  } catch (error) {
    // Somebody built the same before: it is complete, since it came by renaming too.
    await rm(unfinished, { recursive: true });
    await stat(path.join(directory, 'index.js')).catch(() => {
      throw error;
    });
    await utimes(directory, new Date(), new Date());
  }
  await removeOld(outDir);
  return directory;
}

function contentHash(files: readonly OutputFile[]): string {
  const hash = createHash('sha256');
  for (const { name, code } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(`${name}\0${code.length}\0${code}`);
  return hash.digest('hex').slice(0, 16);
}

/** Removes what was not built for a week: long after any process that still runs it. */
async function removeOld(outDir: string): Promise<void> {
  for (const name of await readdir(outDir)) {
    const directory = path.join(outDir, name);
    // Another build may be faster at this.
    const modified = await stat(directory).catch(() => undefined);
    if (modified && Date.now() - modified.mtimeMs > KEPT_MS)
      await rm(directory, { recursive: true, force: true });
  }
}

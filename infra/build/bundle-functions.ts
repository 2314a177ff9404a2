import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import type { Bundle } from './bundle.ts';
import { fromIndex, mergeStart } from './merge-start.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BUNDLES = '.build/functions';
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Bundles every function in `functions/functions.ts`. Several processes may bundle into the same directory at once.
 * @param outDir - Relative to the project's root.
 */
export async function bundleFunctions(outDir = BUNDLES): Promise<Record<FunctionName, Bundle>> {
  const entries = Object.entries(FUNCTIONS).map(async ([name, { entry }]) => {
    const bundle = await bundleEntry(path.join(ROOT, 'functions', entry), path.resolve(ROOT, outDir, name));
    return [name, bundle];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Bundles one file and its imports.
 *
 * A lazily imported module (`await import('../collect/collect.ts')`) gets a file of its own, and so do the modules
 * that such files share. Every module therefore exists once, and `instanceof` and module state work across lazy
 * imports. esbuild splits only ES modules, but CommonJS loads faster: each file is converted afterwards. Shared modules that
 * load at start go into the main file.
 *
 * Minification shortens the names of classes and functions: do not rely on `error.constructor.name`.
 * @param outDir - Receives one directory per distinct content.
 */
export async function bundleEntry(entry: string, outDir: string): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild.build({
    ...esModuleOptions(entry),
    outdir: outDir,
    write: false,
  });
  const modules = new Map(outputFiles.map(({ path: file, text }) => [path.basename(file), text]));
  const merged = await mergeStart(modules, metafile, { ...TARGET, ...WITHOUT_IMPORT });
  const lazy = [...modules].filter(([name]) => !merged.names.has(name));
  const files = await Promise.all(
    lazy.map(async ([name, text]) => ({ name, code: fromIndex(await toCommonJs(text), merged.names) })),
  );
  const all = [{ name: 'index.js', code: merged.index }, ...files];
  return { directory: await publish(all, outDir), handler: 'index.handler', metafile: merged.metafile };
}

const TARGET = { platform: 'node', target: 'node24', legalComments: 'none', logLevel: 'silent' } as const;
/** Compiles `import()` to `require`, which is faster than Node's ES module loader. */
const WITHOUT_IMPORT = { supported: { 'dynamic-import': false } };

/** The esbuild options for the first step, before the conversion to CommonJS. */
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
    // As Node's own build of undici: without its experimental second parser.
    define: { esbuildDetection: '1' },
    alias: { '@aws-sdk/credential-provider-node': path.join(import.meta.dirname, 'lambda-credentials.ts') },
    plugins: [withoutFiles, withoutHttp2],
    metafile: true,
  } as const satisfies esbuild.BuildOptions;
}

/**
 * The SDK's clients look for settings in `~/.aws`, which Lambda has not, and fail where a user has no home. The functions'
 * settings are in their environment.
 */
const withoutFiles: esbuild.Plugin = {
  name: 'without-files',
  setup(build) {
    build.onLoad({ filter: /[\\/]loadSharedConfigFiles\.js$/ }, () => ({
      contents: `export { CONFIG_PREFIX_SEPARATOR } from './constants';
        export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
    }));
  },
};

/** The functions offer servers HTTP/1.1 only. Loading HTTP/2 takes as long as the rest of undici. */
const withoutHttp2: esbuild.Plugin = {
  name: 'without-http2',
  setup(build) {
    build.onLoad({ filter: /[\\/]undici[\\/]lib[\\/]dispatcher[\\/]client-h2\.js$/ }, () => ({
      contents: `module.exports = () => { throw new Error('HTTP/2 is not in the bundle') };`,
    }));
  },
};

async function toCommonJs(code: string): Promise<string> {
  const converted = await esbuild.transform(code, {
    ...TARGET,
    // The first step has already minified names and syntax.
    minifyWhitespace: true,
    format: 'cjs',
    ...WITHOUT_IMPORT,
  });
  return converted.code;
}

interface OutputFile {
  readonly name: string;
  readonly code: string;
}

/** Writes `files` atomically to a directory named after their content. */
async function publish(files: readonly OutputFile[], outDir: string): Promise<string> {
  const all = [...files, { name: 'package.json', code: '{"type":"commonjs"}\n' }];
  const directory = path.join(outDir, contentHash(all));
  const unfinished = path.join(outDir, `unfinished-${randomUUID()}`);
  await mkdir(unfinished, { recursive: true });
  await Promise.all(all.map(({ name, code }) => writeFile(path.join(unfinished, name), code)));
  try {
    await rename(unfinished, directory);
  } catch (error) {
    // Another build has published the same content. It is complete, because that build renamed it too.
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

/** Removes directories unused for a week. No process still runs code that old. */
async function removeOld(outDir: string): Promise<void> {
  for (const name of await readdir(outDir)) {
    const directory = path.join(outDir, name);
    // Another build may have removed it already.
    const modified = await stat(directory).catch(() => undefined);
    if (modified && Date.now() - modified.mtimeMs > KEPT_MS)
      await rm(directory, { recursive: true, force: true });
  }
}

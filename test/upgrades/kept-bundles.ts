import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { FunctionName } from '../../functions/functions.ts';
import { DURATIONS } from '../../functions/settings.ts';
import type { FunctionBundles } from '../support/bundles.ts';

/** The functions of a release as they are deployed. */
export interface KeptBundles {
  /** The durations that it knows: it does not start with any other. */
  readonly durations: readonly string[];
  /** The text of each file, by function and name. */
  readonly functions: Readonly<Record<FunctionName, Readonly<Record<string, string>>>>;
}

const fileOf = (release: string) => path.join(import.meta.dirname, release, 'bundles.json.br');

/** Keeps the present bundles as those of a release. */
export async function keepBundles(release: string, bundles: FunctionBundles): Promise<void> {
  if (existsSync(fileOf(release)))
    throw new Error(`${fileOf(release)} is there: what was released does not change any more`);
  const functions = Object.entries(bundles).map(async ([name, { directory }]) => {
    const files = (await readdir(directory)).sort();
    const texts = files.map(async (file) => [file, await readFile(path.join(directory, file), 'utf8')]);
    return [name, Object.fromEntries(await Promise.all(texts))];
  });
  const kept = {
    durations: Object.keys(DURATIONS),
    functions: Object.fromEntries(await Promise.all(functions)),
  };
  // The functions share most of their code: a window over all of them finds it again.
  const params = { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS };
  await mkdir(path.dirname(fileOf(release)), { recursive: true });
  await writeFile(fileOf(release), brotliCompressSync(JSON.stringify(kept), { params }));
}

export async function readBundles(release: string): Promise<KeptBundles> {
  return JSON.parse(brotliDecompressSync(await readFile(fileOf(release))).toString('utf8')) as KeptBundles;
}

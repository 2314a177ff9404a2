import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import { bundleFunctions } from '../../infra/build/bundle-functions.ts';
import type { FunctionBundle } from '../../local/environment.ts';

export type FunctionBundles = Readonly<Record<FunctionName, FunctionBundle>>;

const ROOT = path.resolve(import.meta.dirname, '../..');
const NOTES = path.join(ROOT, '.build', 'bundled');
/** Whatever decides what comes out of the bundler. */
const SOURCES = [
  'functions/**/*.ts',
  'infra/build/bundle-functions.ts',
  'infra/build/lambda-credentials.ts',
  'package-lock.json',
];

/** The functions as they are deployed; bundled once for all test files that run on the same sources. */
export async function bundlesOnce(): Promise<FunctionBundles> {
  const note = path.join(NOTES, `${await hashOfSources()}.json`);
  const noted = await readFile(note, 'utf8').catch(() => undefined);
  const known = noted === undefined ? undefined : (JSON.parse(noted) as FunctionBundles);
  if (known && (await areThere(known))) return known;
  const bundles = await bundleFunctions();
  const places = Object.fromEntries(
    Object.entries(bundles).map(([name, { directory, handler }]) => [name, { directory, handler }]),
  );
  await mkdir(NOTES, { recursive: true });
  const aside = `${note}.${process.pid}`;
  await writeFile(aside, JSON.stringify(places));
  await rename(aside, note);
  return bundles;
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort())
    hash.update(`${file}\0`).update(await readFile(path.join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

async function areThere(bundles: FunctionBundles): Promise<boolean> {
  const names = Object.keys(FUNCTIONS) as FunctionName[];
  const looks = names.map((name) => access(path.join(bundles[name]?.directory ?? '', 'index.js')));
  return Promise.all(looks).then(
    () => true,
    () => false,
  );
}

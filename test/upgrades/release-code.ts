import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { FunctionName } from '../../functions/functions.ts';
import { ENV } from '../../functions/settings.ts';
import type { FunctionBundle } from '../../local/environment.ts';
import { bundlesOnce, type FunctionBundles } from '../support/bundles.ts';
import { type System, startSystem } from '../support/system.ts';
import { readBundles } from './kept-bundles.ts';

/** The functions of one release; each says with every invocation which release it is. */
export interface ReleaseCode {
  readonly release: string;
  readonly bundles: FunctionBundles;
  /** What its own stack would have set otherwise than the present one. */
  readonly environment: (present: Readonly<Record<string, string>>) => Record<string, string>;
}

export type CodeByFunction = Readonly<Record<FunctionName, ReleaseCode>>;

/** The functions of an earlier release, for one test file. */
export async function releasedCode(release: string): Promise<ReleaseCode> {
  const { functions, durations } = await readBundles(release);
  const folder = await temporaryFolder();
  const unpacked = Object.entries(functions).map(async ([name, files]) => {
    const directory = path.join(folder, name);
    await mkdir(directory);
    const written = Object.entries(files).map(([file, code]) => writeFile(path.join(directory, file), code));
    await Promise.all(written);
    return [name, { directory, handler: 'index.handler' }] as const;
  });
  const bundles = Object.fromEntries(await Promise.all(unpacked)) as FunctionBundles;
  return {
    release,
    bundles: await labelled(release, bundles),
    environment: ({ [ENV.durations]: present = '{}' }) => {
      const overrides = Object.entries(JSON.parse(present) as Readonly<Record<string, number>>);
      const known = overrides.filter(([name]) => durations.includes(name));
      return { [ENV.durations]: JSON.stringify(Object.fromEntries(known)) };
    },
  };
}

/** The functions as they would be released now, for one test file. */
export const presentCode = async (): Promise<ReleaseCode> => ({
  release: 'present',
  bundles: await labelled('present', await bundlesOnce()),
  environment: () => ({}),
});

async function labelled(release: string, bundles: FunctionBundles): Promise<FunctionBundles> {
  const folder = await temporaryFolder();
  const line = JSON.stringify({ level: 'INFO', message: 'Served', release });
  const copies = Object.entries(bundles).map(async ([name, bundle]) => {
    const directory = path.join(folder, name);
    await mkdir(directory);
    await writeFile(
      path.join(directory, 'index.js'),
      `const { handler } = require(${JSON.stringify(path.join(bundle.directory, 'index.js'))});
      exports.handler = (event, context) => {
        process.stdout.write(${JSON.stringify(`${line}\n`)});
        return handler(event, context);
      };`,
    );
    return [name as FunctionName, { directory, handler: 'index.handler' }] as const;
  });
  return Object.fromEntries(await Promise.all(copies)) as FunctionBundles;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wiro-release-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** All functions of one release. */
export const allOf = (code: ReleaseCode): CodeByFunction => ({
  api: code,
  submit: code,
  callback: code,
  reconcile: code,
});

export interface ReplacedSystem extends System {
  /** Replaces the functions; environments that are in the middle of something end it with the code that they have. */
  replace(code: CodeByFunction): Promise<void>;
  /** Which releases have served a function since a line of the log. */
  servedBy(name: FunctionName, from: number): readonly unknown[];
}

/** Starts the system with functions that can be replaced by those of other releases. */
export async function startReplaceable(
  first: CodeByFunction,
  options: Omit<NonNullable<Parameters<typeof startSystem>[0]>, 'bundles' | 'endpointOverrides'>,
): Promise<ReplacedSystem> {
  let standing = first;
  const system = await startSystem({
    ...options,
    bundles: bundlesOf(first),
    endpointOverrides: (name, present) => standing[name].environment(present),
  });
  const { environment } = system;
  return {
    ...system,
    async replace(code) {
      standing = code;
      await environment.deploy(bundlesOf(code));
      environment.retire();
    },
    servedBy: (name, from) => [
      ...new Set(
        environment
          .logs()
          .slice(from)
          .filter(({ functionName }) => functionName === environment.endpoints.functions[name])
          .flatMap(({ message, facts }) => (message === 'Served' ? [facts?.release] : [])),
      ),
    ],
  };
}

const bundlesOf = (code: CodeByFunction): FunctionBundles => {
  const entries = Object.entries(code) as [FunctionName, ReleaseCode][];
  return Object.fromEntries(entries.map(([name, { bundles }]) => [name, bundles[name]])) as Record<
    FunctionName,
    FunctionBundle
  >;
};

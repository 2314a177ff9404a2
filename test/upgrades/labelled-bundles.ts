import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { FunctionName } from '../../functions/functions.ts';
import { bundlesOnce, type FunctionBundles } from '../support/bundles.ts';

/** The functions as they are deployed, each of which says with every invocation which release it is. */
export async function labelledBundles(release: string): Promise<FunctionBundles> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wiro-release-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const labelled = Object.entries(await bundlesOnce()).map(async ([name, bundle]) => {
    const directory = path.join(folder, name);
    await mkdir(directory);
    const line = JSON.stringify({ level: 'INFO', message: 'Served', release });
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
  return Object.fromEntries(await Promise.all(labelled)) as FunctionBundles;
}

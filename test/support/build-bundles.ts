import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { BUNDLES_URL, type FunctionBundles } from './bundles.ts';

/** Bundles the functions when the first test file of a run requests them, and serves the same bundles to all files. */
export default async function serveBundles(project: TestProject): Promise<() => void> {
  let bundles: Promise<FunctionBundles> | undefined;
  project.onTestsRerun(async () => {
    bundles = undefined;
  });
  const server = createServer(async (_, response) => {
    bundles ??= import('../../infra/build/bundle-functions.ts').then((module) => module.bundleFunctions());
    await bundles.then(
      (made) => response.end(JSON.stringify(made)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.env[BUNDLES_URL] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return () => void server.close();
}

import type { FunctionName } from '../../functions/functions.ts';
import type { Bundle } from '../../infra/build/bundle.ts';
import type { FunctionBundle } from '../../local/environment.ts';

export type FunctionBundles = Readonly<Record<FunctionName, FunctionBundle>>;

/** The variable with the address where a test run serves its bundles (build-bundles.ts). Its processes inherit it. */
export const BUNDLES_URL = 'TEST_BUNDLES_URL';

/** The functions' deployed bundles, built once for all test files of a run. */
export async function bundlesOnce(): Promise<Readonly<Record<FunctionName, Bundle>>> {
  const url = process.env[BUNDLES_URL];
  if (url === undefined) return (await import('../../infra/build/bundle-functions.ts')).bundleFunctions();
  const response = await fetch(url);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Record<FunctionName, Bundle>;
}

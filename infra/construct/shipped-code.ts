import { existsSync } from 'node:fs';
import path from 'node:path';
import type { IConstruct } from 'constructs';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import { ConfigurationError } from '../checks/configuration-error.ts';
import type { FunctionCode } from '../wiro-generations-props.ts';
import { IS_PACKAGED } from './is-packaged.ts';

/** The package's folder of bundles, beside its JavaScript. */
export const SHIPPED = 'lambda';

/**
 * Returns the bundles that the package contains.
 * @throws {ConfigurationError} If there are none, as in the project's own repository.
 */
export function shippedCode(scope: IConstruct): Readonly<Record<FunctionName, FunctionCode>> {
  const code = (name: string) => {
    const directory = path.join(import.meta.dirname, SHIPPED, name);
    if (!existsSync(path.join(directory, 'index.js')))
      throw new ConfigurationError(
        scope,
        IS_PACKAGED
          ? `the functions' code is missing from the package (${directory}): reinstall wiro-serverless.`
          : 'code is missing: the repository contains no bundles. Pass `code: await bundleFunctions()`.',
      );
    return [name, { directory, handler: 'index.handler' }];
  };
  return Object.fromEntries(Object.keys(FUNCTIONS).map(code));
}

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { IConstruct } from 'constructs';
import { FUNCTIONS, type FunctionName } from '../../functions/functions.ts';
import { ConfigurationError } from '../checks/configuration-error.ts';
import type { FunctionCode } from '../wiro-generations-props.ts';
import { IS_PACKAGED } from './is-packaged.ts';

/** Where the package has its bundles, beside its JavaScript. */
export const SHIPPED = 'lambda';

/**
 * The functions' code as the package brings it.
 * @throws {ConfigurationError} In the project itself, whose code is bundled first.
 */
export function shippedCode(scope: IConstruct): Readonly<Record<FunctionName, FunctionCode>> {
  const code = (name: string) => {
    const directory = path.join(import.meta.dirname, SHIPPED, name);
    if (!existsSync(path.join(directory, 'index.js')))
      throw new ConfigurationError(
        scope,
        IS_PACKAGED
          ? `the functions' code is missing from the package (${directory}): install wiro-serverless again.`
          : 'code is missing, and no bundles lie beside the construct: give `code: await bundleFunctions()`.',
      );
    return [name, { directory, handler: 'index.handler' }];
  };
  return Object.fromEntries(Object.keys(FUNCTIONS).map(code));
}

import path from 'node:path';
import * as esbuild from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Some packages are CommonJS and require modules of Node, which ES modules cannot by themselves. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);";

/**
 * Bundles the command line: `cli.mjs`, which loads the rest as far as a command needs it. It reads `../package.json`.
 * @param directory - Where to write it.
 */
export const bundleCli = (directory: string) =>
  // Builds the console's page in the repository; the package has the page.
  bundleCommand(directory, 'cli', 'cli/main.ts', ['esbuild']);

/** Bundles the simulator of Wiro, `simulator.mjs`. It draws with the `sharp` of the project that runs it, if any. */
export const bundleSimulator = (directory: string) =>
  bundleCommand(directory, 'simulator', 'local/simulator/main.ts', ['sharp']);

const bundleCommand = (directory: string, name: string, entry: string, external: string[]) =>
  esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: { [name]: entry },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    // Beside the entry: sources name files of the package from where they are.
    chunkNames: `${name}-[hash]`,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    legalComments: 'none',
    mainFields: ['module', 'main'],
    metafile: true,
    external,
    define: { PACKAGED: 'true' },
    banner: { js: REQUIRE },
  });

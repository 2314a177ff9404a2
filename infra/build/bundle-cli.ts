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
  esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: { cli: 'cli/main.ts' },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    // Beside the entry: sources name files of the package from where they are.
    chunkNames: 'cli-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    legalComments: 'none',
    mainFields: ['module', 'main'],
    metafile: true,
    // Builds the console's page in the repository; the package has the page.
    external: ['esbuild'],
    define: { PACKAGED: 'true' },
    banner: { js: REQUIRE },
  });

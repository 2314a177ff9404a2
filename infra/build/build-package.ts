import { execFile } from 'node:child_process';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import * as esbuild from 'esbuild';
import { buildPage } from '../../console/build-page.ts';
import { PAGE_FILE } from '../../console/read-page.ts';
import { SHIPPED } from '../construct/shipped-code.ts';
import { bundleCli, bundleSimulator } from './bundle-cli.ts';
import { bundleFunctions } from './bundle-functions.ts';
import { thirdPartyLicenses } from './third-party-licenses.ts';

// Builds the package that other CDK apps install (npm pack, npm publish). Node does not strip types under
// node_modules, so the package holds JavaScript and declarations. It bundles everything except CDK and therefore has
// no dependencies.
const ROOT = path.resolve(import.meta.dirname, '../..');
const DIST = path.join(ROOT, 'dist');
const CLIENT = path.join(DIST, 'client');
const CDK = ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs'];

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  metafile: true,
  define: { PACKAGED: 'true' },
} as const satisfies esbuild.BuildOptions;

/** Builds CommonJS, like CDK. Apps from `cdk init` require it, and ES modules can import it. */
const buildConstruct = () =>
  esbuild.build({
    ...OPTIONS,
    entryPoints: ['infra/index.ts'],
    outfile: path.join(DIST, 'index.js'),
    format: 'cjs',
    external: CDK,
    define: { ...OPTIONS.define, 'import.meta.dirname': '__dirname' },
  });

const buildSetup = () =>
  esbuild.build({
    ...OPTIONS,
    entryPoints: ['infra/setup/setup.ts'],
    outfile: path.join(DIST, 'setup.mjs'),
    format: 'esm',
    minify: true,
    mainFields: ['module', 'main'],
    banner: { js: '#!/usr/bin/env node' },
  });

/** Builds the client, which also runs in browsers. The signer is a separate file, loaded only to sign requests. */
const buildClient = () =>
  esbuild.build({
    ...OPTIONS,
    platform: 'neutral',
    entryPoints: ['client/index.ts'],
    outdir: CLIENT,
    format: 'esm',
    splitting: true,
    minify: true,
    mainFields: ['module', 'main'],
  });

async function buildDeclarations(project: string, folder: string) {
  const tsc = path.join(ROOT, 'node_modules/.bin/tsc');
  await promisify(execFile)(tsc, ['-p', project, '--outDir', folder], { cwd: ROOT }).catch(({ stdout }) => {
    throw new Error(`Cannot generate the declarations: tsc reports\n${stdout}`);
  });
  // TypeScript keeps our `.ts` extensions in declarations, and not every compiler resolves them.
  for await (const file of glob(path.join(folder, '**/*.d.ts'))) {
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/(\bfrom '\.{1,2}\/[^']+)\.ts'/g, "$1.js'"));
  }
}

async function copyFunctions() {
  const bundles = await bundleFunctions();
  for (const [name, { directory }] of Object.entries(bundles))
    await cp(directory, path.join(DIST, SHIPPED, name), { recursive: true });
  return Object.values(bundles);
}

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST, { recursive: true });
// The package itself is ESM; this makes the JavaScript and the declarations in `dist` CommonJS.
await writeFile(path.join(DIST, 'package.json'), '{"type":"commonjs"}\n');
await mkdir(CLIENT);
await writeFile(path.join(CLIENT, 'package.json'), '{"type":"module"}\n');
const [functions, construct, setup, cli, simulator, client, page] = await Promise.all([
  copyFunctions(),
  buildConstruct(),
  buildSetup(),
  bundleCli(DIST),
  bundleSimulator(DIST),
  buildClient(),
  buildPage(),
  buildDeclarations('infra/tsconfig.package.json', path.join(DIST, 'types')),
  buildDeclarations('client/tsconfig.package.json', CLIENT),
]);
await writeFile(path.join(DIST, PAGE_FILE), page.html);
const bundled = [...functions, construct, setup, cli, simulator, client].flatMap(({ metafile }) =>
  Object.keys(metafile.inputs),
);
await writeFile(
  path.join(DIST, 'THIRD-PARTY-LICENSES.txt'),
  await thirdPartyLicenses(ROOT, [...bundled, ...page.files]),
);

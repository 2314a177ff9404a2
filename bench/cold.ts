import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { FUNCTIONS } from '../functions/functions.ts';
import { bundleFunctions, esModuleOptions } from '../infra/build/bundle-functions.ts';
import { describeBundle } from '../infra/build/bundle-report.ts';
import { type Loaded, type LoadTime, measureLoadTimes, UNBUNDLED_SDK } from './load-time.ts';

// npm run bench:cold [-- --runs N]: measures how long each function takes to load in a cold start.
const ROOT = path.resolve(import.meta.dirname, '..');
const RESULTS = path.join(ROOT, 'bench/results/cold.md');
const runs = Number(/--runs[= ](\d+)/.exec(process.argv.join(' '))?.[1] ?? 21);

interface Candidate extends Loaded {
  readonly startKb?: number;
  readonly allKb?: number;
}

const scratch = await mkdtemp(path.join(tmpdir(), 'wiro-cold-'));
try {
  const candidates: readonly Candidate[] = [
    UNBUNDLED_SDK,
    { name: 'client-dynamodb alone, unbundled', modules: ['@aws-sdk/client-dynamodb'] },
    { name: 'node:http + node:https alone', modules: ['node:http', 'node:https'] },
    ...(await bundledFunctions()),
    ...(await otherForms(scratch)),
  ];
  console.error(`Loading ${candidates.length} candidates ${runs} times each, in fresh processes…`);
  const report = describe(candidates, await measureLoadTimes(candidates, runs));
  console.log(report);
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, report);
} finally {
  await rm(scratch, { recursive: true });
}

async function bundledFunctions(): Promise<readonly Candidate[]> {
  const bundles = Object.entries(await bundleFunctions());
  return Promise.all(
    bundles.map(async ([name, bundle]) => {
      const files = await describeBundle(bundle);
      const size = (some: typeof files) => some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1_000;
      return {
        name,
        modules: [path.join(bundle.directory, 'index.js')],
        startKb: size(files.filter(({ isLoadedAtStart }) => isLoadedAtStart)),
        allKb: size(files),
      };
    }),
  );
}

/** Bundles `callback` in other ways, for comparison. */
async function otherForms(directory: string): Promise<readonly Candidate[]> {
  const options = esModuleOptions(path.join(ROOT, 'functions', FUNCTIONS.callback.entry));
  const esModules = path.join(directory, 'esm');
  const oneFile = path.join(directory, 'one');
  await esbuild.build({
    ...options,
    outdir: esModules,
    outExtension: { '.js': '.mjs' },
    // Its CommonJS packages load Node's modules with `require`.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  await esbuild.build({
    ...options,
    outdir: oneFile,
    splitting: false,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
  await esbuild.build({
    ...options,
    outdir: path.join(directory, 'chain'),
    splitting: false,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    alias: {},
  });
  return [
    {
      name: 'callback as ES modules',
      modules: [path.join(esModules, 'index.mjs')],
      by: 'import',
    },
    { name: 'callback in one CommonJS file', modules: [path.join(oneFile, 'index.cjs')] },
    {
      name: 'the same with the default credential chain',
      modules: [path.join(directory, 'chain/index.cjs')],
    },
  ];
}

function describe(candidates: readonly Candidate[], medians: ReadonlyMap<string, LoadTime>): string {
  const reference = medians.get(UNBUNDLED_SDK.name);
  const rows = candidates.map(({ name, startKb, allKb }) => {
    const time = medians.get(name);
    if (!time || !reference) throw new Error(`${name} was not measured`);
    const cells = [
      time.elapsedMs.toFixed(1),
      (time.elapsedMs / reference.elapsedMs).toFixed(2),
      time.processorMs.toFixed(1),
      (time.processorMs / reference.processorMs).toFixed(2),
      startKb?.toFixed(0) ?? '',
      allKb?.toFixed(0) ?? '',
    ];
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return `# Loading the functions

Medians of ${runs} fresh processes each, measured in turn around \`require\` (or \`import\`), Node ${process.versions.node},
${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${new Date().toISOString().slice(0, 10)}. Ratios are
to the first row. With 512 MB, Lambda gives a third of a processor, so processor time decides how long a start takes.

| loaded | ms | ratio | processor ms | ratio | kB at start | kB in total |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

Repeat with \`npm run bench:cold\`.
`;
}

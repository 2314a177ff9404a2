import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { FUNCTIONS } from '../functions/functions.ts';
import { callbackUrl } from '../functions/generation/callback-url.ts';
import { bundleFunctions, esModuleOptions } from '../infra/build/bundle-functions.ts';
import { describeBundle } from '../infra/build/bundle-report.ts';
import { RUNNING, SECRET, startColdAws } from './cold-aws.ts';
import { type Loaded, type LoadTime, measureLoadTimes, UNBUNDLED_SDK } from './load-time.ts';

// npm run bench:cold [-- --runs N]: measures how long each function takes to load in a cold start.
const ROOT = path.resolve(import.meta.dirname, '..');
const RESULTS = path.join(ROOT, 'bench/results/cold.md');
const runs = Number(/--runs[= ](\d+)/.exec(process.argv.join(' '))?.[1] ?? 21);

interface Candidate extends Loaded {
  readonly startKb?: number;
  readonly allKb?: number;
}

interface Answering extends Loaded {
  /** The name of the handler that the ratio is to. @default - itself */
  readonly besides?: string;
}

const NAIVE_CALLBACK = 'a naive handler: a callback';
const NAIVE_API = 'a naive handler: a request with an input';

const CALLBACK = {
  rawPath: new URL(
    callbackUrl('https://bench.example', { deployment: 'bench', generationId: RUNNING, attempt: 1 }, SECRET),
  ).pathname,
  requestContext: { http: { method: 'POST' } },
  body: JSON.stringify({ id: '123' }),
};
const REQUEST = {
  rawPath: '/generations',
  requestContext: { http: { method: 'POST', path: '/generations' } },
  body: JSON.stringify({
    model: 'wiro/flux',
    inputs: { inputImage: 'photos/a.png' },
    parameters: { prompt: 'a mountain lake' },
  }),
};

const scratch = await mkdtemp(path.join(tmpdir(), 'wiro-cold-'));
const naive = await mkdtemp(path.join(ROOT, '.build/naive-'));
const aws = await startColdAws();
try {
  const bundled = await bundledFunctions();
  const naiveFile = await bundleNaively(naive);
  const { endpoint } = aws;
  const noted = { event: CALLBACK, statusCode: 200, endpoint };
  const accepted = { event: REQUEST, statusCode: 202, endpoint };
  const answering: readonly Answering[] = [
    { name: NAIVE_CALLBACK, modules: [naiveFile], first: noted },
    { name: NAIVE_API, modules: [naiveFile], first: accepted },
    {
      name: 'callback: a callback',
      modules: [fileOf(bundled, 'callback')],
      first: noted,
      besides: NAIVE_CALLBACK,
    },
    {
      name: 'api: a request with an input',
      modules: [fileOf(bundled, 'api')],
      first: accepted,
      besides: NAIVE_API,
    },
    {
      name: 'submit: a generation that runs already',
      modules: [fileOf(bundled, 'submit')],
      first: { event: { submit: RUNNING }, endpoint },
      besides: NAIVE_CALLBACK,
    },
    {
      name: 'reconcile: nothing is due',
      modules: [fileOf(bundled, 'reconcile')],
      first: { event: {}, endpoint },
      besides: NAIVE_CALLBACK,
    },
  ];
  const candidates: readonly Candidate[] = [
    UNBUNDLED_SDK,
    { name: 'client-dynamodb alone, unbundled', modules: ['@aws-sdk/client-dynamodb'] },
    { name: 'node:http + node:https alone', modules: ['node:http', 'node:https'] },
    ...bundled,
    ...(await otherForms(scratch)),
  ];
  const all = [...candidates, ...answering];
  console.error(`Loading ${all.length} candidates ${runs} times each, in fresh processes…`);
  const medians = await measureLoadTimes(all, runs);
  const report = describe(candidates, answering, medians);
  console.log(report);
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, report);
} finally {
  await aws.stop();
  await rm(scratch, { recursive: true });
  await rm(naive, { recursive: true });
}

function fileOf(bundled: readonly Candidate[], wanted: string): string {
  const file = bundled.find(({ name }) => name === wanted)?.modules[0];
  if (file === undefined) throw new Error(`No function is called ${wanted}`);
  return file;
}

/** Bundles the naive handler as CDK's `NodejsFunction` does by default: the SDK stays outside, as in Lambda's runtime. */
async function bundleNaively(directory: string): Promise<string> {
  const outfile = path.join(directory, 'index.js');
  await esbuild.build({
    entryPoints: [path.join(import.meta.dirname, 'naive-handler.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: ['@aws-sdk/*', '@smithy/*'],
  });
  // The project's own package.json says that its files are ES modules.
  await writeFile(path.join(directory, 'package.json'), '{"type":"commonjs"}');
  return outfile;
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

function describe(
  candidates: readonly Candidate[],
  answering: readonly Answering[],
  medians: ReadonlyMap<string, LoadTime>,
): string {
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
to the first row. With 512 MB, Lambda gives a third of a processor, with 256 a seventh, so processor time decides how long
a start takes.

| loaded | ms | ratio | processor ms | ratio | kB at start | kB in total |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

## With the first answer

From the start of loading to the answer to the first event, whose calls to AWS a server on this machine answers at once.
The naive handler makes as many calls, with the SDK's clients of S3, DynamoDB, SSM and Lambda, which it creates when it
loads. For a request it reads a secret where \`api\` reads the model's schema; the others are the same. It is bundled as
CDK's \`NodejsFunction\` does by default: the SDK stays outside. Ratios are to its row for the same event.

| answered | ms | ratio | processor ms | ratio |
| --- | ---: | ---: | ---: | ---: |
${answering.map((one) => describeAnswer(one, medians)).join('\n')}

Repeat with \`npm run bench:cold\`.
`;
}

function describeAnswer({ name, besides = name }: Answering, medians: ReadonlyMap<string, LoadTime>): string {
  const { answeredMs = Number.NaN, answeredProcessorMs = Number.NaN } = medians.get(name) ?? {};
  const reference = medians.get(besides);
  const cells = [
    answeredMs.toFixed(1),
    (answeredMs / (reference?.answeredMs ?? Number.NaN)).toFixed(2),
    answeredProcessorMs.toFixed(1),
    (answeredProcessorMs / (reference?.answeredProcessorMs ?? Number.NaN)).toFixed(2),
  ];
  return `| ${name} | ${cells.join(' | ')} |`;
}

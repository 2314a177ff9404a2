import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DUE_SHARDS, type DueShards } from '../functions/settings.ts';
import { bundleFunctions } from '../infra/build/bundle-functions.ts';
import { startEnvironment } from '../local/environment.ts';
import { createCounter } from './cost-counter.ts';
import { runOne } from './cost-run.ts';

// npm run bench:scale [-- --generations N]: what a generation writes to each partition that all of them share, while all
// run at once, and how many generations a second that allows. The counts cannot be noisy.
const RESULTS = path.resolve(import.meta.dirname, 'results/scale.md');
/** One partition of DynamoDB takes so many write units a second. */
const PARTITION_UNITS = 1_000;
/** More than the gate counts, so that it sees an account without a limit. */
const GENERATIONS = 40;
/** Long enough that all of them run before the first ends. */
const TASK_MS = 60_000;
/** Their uploads share the machine's processors. */
const INPUT_BYTES = 100_000;
const TARGET = 300;

const { values } = parseArgs({
  options: { generations: { type: 'string', default: String(GENERATIONS) } },
});
const generations = Number(values.generations);
if (!(Number.isInteger(generations) && generations > 0))
  throw new Error('--generations is invalid: use a whole number from 1');

interface Place {
  readonly name: string;
  /** The name of an index, or the first word of a partition key. */
  readonly of: string;
  readonly partitions: (dueShards: DueShards) => number;
}

const PLACES: readonly Place[] = [
  { name: 'index of what is due', of: 'due', partitions: (dueShards) => dueShards },
  { name: 'index of the line', of: 'waiting', partitions: () => 1 },
  { name: 'index of the history, a month', of: 'history', partitions: () => 1 },
  { name: 'gate', of: 'gate', partitions: () => 1 },
  { name: 'usage of a day', of: 'usage', partitions: () => 1 },
];

/** Each generation, object, file or model has a partition of its own. */
const OWN = ['generation', 'object', 'upload', 'model'];

const bundles = await bundleFunctions();
const sections: string[] = [];
let reached = 0;
for (const dueShards of DUE_SHARDS) {
  console.error(`Running ${generations} generations at once, dueShards: ${dueShards}…`);
  const written = await countWrites(dueShards);
  const units = PLACES.map(
    ({ of, partitions }) => (written.get(of) ?? 0) / generations / partitions(dueShards),
  );
  reached = PARTITION_UNITS / Math.max(...units);
  const rows = PLACES.map(({ name }, at) => {
    const one = units[at] ?? 0;
    return `| ${name} | ${one.toFixed(2)} | ${one > 0 ? Math.floor(PARTITION_UNITS / one) : ''} |`;
  });
  const all = [...written.values()].reduce((sum, one) => sum + one, 0) / generations;
  sections.push(`## \`dueShards: ${dueShards}\`

${Math.floor(reached)} generations a second; ${all.toFixed(1)} write units a generation.

| partition | write units a generation | generations a second |
| --- | ---: | ---: |
${rows.join('\n')}`);
}

const report = `# How many generations a second one table takes

${generations} generations at once, each with two new inputs, uploaded, and two outputs, through the real bundles. A proxy
counts what they write; units follow from the items' sizes. A partition takes ${PARTITION_UNITS} write units a second, so the
partition that most is written to is the limit. Wiro limits nothing. ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.

${sections.join('\n\n')}

Repeat with \`npm run bench:scale\`.
`;
console.log(report);
await mkdir(path.dirname(RESULTS), { recursive: true });
await writeFile(RESULTS, report);
// The last is that with most shards.
if (reached < TARGET) console.error(`Less than ${TARGET} generations a second.`);
process.exit(reached < TARGET ? 1 : 0);

/** @returns All write units by place. */
async function countWrites(dueShards: DueShards): Promise<ReadonlyMap<string, number>> {
  const written = new Map<string, number>();
  const counter = createCounter(({ writeUnits }) => {
    for (const [place, units] of Object.entries(writeUnits))
      written.set(place, (written.get(place) ?? 0) + units);
  });
  const environment = await startEnvironment({
    bundles,
    dueShards,
    schedule: false,
    endpointOverrides: counter.endpointOverrides,
    simulator: { outputs: 'tiny', workers: 1_000, concurrencyLimit: null, taskDurationMs: TASK_MS },
  });
  try {
    await runOne(environment, generations, INPUT_BYTES);
    await environment.idle();
    written.clear();
    await Promise.all(
      Array.from({ length: generations }, (_, index) => runOne(environment, index, INPUT_BYTES)),
    );
    await environment.idle();
    const unknown = [...written.keys()].filter(
      (place) => !(OWN.includes(place) || PLACES.some(({ of }) => of === place)),
    );
    if (unknown.length > 0) throw new Error(`Written, but not in this table: ${unknown.join(', ')}`);
    return written;
  } finally {
    await environment.stop();
    await counter.stop();
  }
}

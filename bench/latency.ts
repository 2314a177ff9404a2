import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundleFunctions } from '../infra/build/bundle-functions.ts';
import { measureLatency, STEPS } from './latency-run.ts';

// npm run bench:latency [-- --generations 100]: the system's own time from a task's end at Wiro to the event.
const { values } = parseArgs({ options: { generations: { type: 'string', default: '100' } } });
const RESULTS = path.resolve(import.meta.dirname, 'results/latency.md');
const generations = Number(values.generations);
if (!(Number.isInteger(generations) && generations > 0))
  throw new Error('--generations is invalid: use a whole number from 1');
const load = loadavg()[0] ?? 0;
const measured = await measureLatency(generations, await bundleFunctions());
const rows = STEPS.map((step) => {
  const sorted = measured.map((latency) => latency[step]).sort((a, b) => a - b);
  const quantile = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(0);
  return `| ${step} | ${quantile(0.5)} | ${quantile(0.9)} | ${quantile(0.99)} |`;
});
const report = `# From a task's end at Wiro to its event

${generations} generations with one small output, one after the other, warm. Milliseconds from the end of the task, seen at
each service. Everything runs on one machine, without the network of AWS: ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, Node
${process.versions.node}, load ${load.toFixed(1)} before it began, ${new Date().toISOString().slice(0, 10)}. \`npm run bench:latency\` makes this file.

| step | p50, ms | p90, ms | p99, ms |
| --- | ---: | ---: | ---: |
${rows.join('\n')}
`;
console.log(report);
await mkdir(path.dirname(RESULTS), { recursive: true });
await writeFile(RESULTS, report);

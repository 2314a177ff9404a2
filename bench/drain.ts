import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundleFunctions } from '../infra/build/bundle-functions.ts';
import { plotUtilisation } from './drain-plot.ts';
import { type DrainOptions, type DrainResult, runDrain } from './drain-run.ts';

// npm run bench:drain [-- --generations 500 --limit 25 --task-ms 8000]: runs a full line against an unknown limit.
const { values } = parseArgs({
  options: {
    generations: { type: 'string', default: '500' },
    limit: { type: 'string', default: '25' },
    'task-ms': { type: 'string', default: '8000' },
    only: { type: 'string' },
  },
});
const RESULTS = path.resolve(import.meta.dirname, 'results/drain.md');
const [generations, limit, taskMs] = [
  Number(values.generations),
  Number(values.limit),
  Number(values['task-ms']),
];
/** Of the ideal time. A risen limit is found out by a probe every half a minute. */
const TARGETS = { stays: 1.05, changes: 1.08 };
const MOST_REFUSED = 0.02;

const bundles = await bundleFunctions();
const half = { afterEnds: Math.floor(generations / 2) };
const RUNS: Readonly<Record<string, DrainOptions>> = {
  'The limit stays': { generations, limit, taskMs, bundles },
  'The limit rises midway': {
    generations,
    limit,
    taskMs,
    bundles,
    change: { ...half, limit: Math.round(limit * 1.4) },
  },
  'The limit falls midway': {
    generations,
    limit,
    taskMs,
    bundles,
    change: { ...half, limit: Math.max(1, Math.round(limit * 0.6)) },
  },
};

const sections: string[] = [];
let isMissed = false;
for (const [name, options] of Object.entries(RUNS)) {
  if (values.only !== undefined && !name.includes(values.only)) continue;
  console.error(`${name}: ${generations} generations, limit ${limit}, ${taskMs} ms each…`);
  const busy = loadavg()[0] ?? 0;
  const section = describe(name, await runDrain(options), busy);
  console.log(section);
  sections.push(section);
}
if (values.only === undefined) {
  const report = `# A full line

\`npm run bench:drain\`: ${generations} generations of ${taskMs / 1_000} s each, accepted as fast as the API takes them, against Wiro's limit of
${limit} tasks at once, which the deployment must find out. The real bundles in real processes and the simulator share
${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}. Times are not scaled: the gap between two tasks in a
slot is the system's own time, with every Lambda, DynamoDB and Wiro on the same processors. ${new Date().toISOString().slice(0, 10)}.

*Ideal* is generations × duration / limit, with every slot taken from the first Run to the last end. *Overtaken* is the
most places by which a task stood in line behind another that started after it.

${sections.join('\n\n')}
`;
  await mkdir(path.dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, report);
}
process.exit(isMissed ? 1 : 0);

function describe(name: string, result: DrainResult, busy: number): string {
  const { ratio, elapsedMs, idealMs, refusals, worstOvertaking, turnoverMs, succeeded, tasks, options } =
    result;
  const largest = Math.max(options.limit, options.change?.limit ?? 0);
  const target = options.change === undefined ? TARGETS.stays : TARGETS.changes;
  const isMet =
    succeeded === generations &&
    tasks === generations &&
    ratio <= target &&
    refusals <= MOST_REFUSED * generations &&
    worstOvertaking <= largest;
  if (!isMet) isMissed = true;
  return `## ${name}${options.change ? `: ${options.limit} → ${options.change.limit}` : ''}

| succeeded | tasks | seconds | ideal | ratio | refused (96) | overtaken | end to next start, median | load before |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| ${[
    `${succeeded} of ${generations}`,
    tasks,
    (elapsedMs / 1_000).toFixed(1),
    (idealMs / 1_000).toFixed(1),
    ratio.toFixed(3),
    `${refusals} (${((100 * refusals) / generations).toFixed(1)} %)`,
    worstOvertaking,
    `${turnoverMs.toFixed(0)} ms`,
    busy.toFixed(1),
  ].join(' | ')} |

\`\`\`
${plotUtilisation(result)}
\`\`\``;
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fillTable, measurePages, type PageCost, startTable } from './history-run.ts';

// npm run bench:history [-- --most 100000]: what a page of `GET /generations` reads, by the number of stored
// generations. The counts cannot be noisy: it fails if one of them grows with the number.
const { values } = parseArgs({ options: { most: { type: 'string', default: '100000' } } });
const RESULTS = path.resolve(import.meta.dirname, 'results/history.md');
const MOST_UNITS = 1_000;
/** A page that reads as much as it may looks at no more than 10,000 generations. So a tenth of 100,000 fills every page. */
const FEW = 10;
const most = Number(values.most);
const SIZES = [FEW, most / 10, most];

/** The first of them ends at the tenth row, so that ten stored generations fill it. */
const PAGES = [
  { name: 'none', query: 'limit=10' },
  { name: 'none, 100 rows', query: 'limit=100' },
  { name: 'none, in the middle', query: 'limit=10', from: most / 20 },
  { name: '`status` of every tenth', query: 'limit=10&status=failed' },
  { name: '`model` of every hundredth', query: 'limit=10&model=wiro/rare' },
  { name: '`model` of none', query: 'limit=10&model=wiro/none' },
  { name: '`label` of every tenth', query: 'limit=10&label.order=7' },
  { name: '`label` of none', query: 'limit=10&label.order=none' },
] as const;

const folder = await mkdtemp(path.join(tmpdir(), 'wiro-history-'));
const costs = new Map<string, PageCost[]>();
try {
  for (const stored of SIZES) {
    const startedAt = performance.now();
    const table = await startTable(path.join(folder, String(stored)));
    try {
      await fillTable(table, stored);
      console.error(
        `Stored ${stored} generations in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`,
      );
      for (const page of PAGES)
        costs.set(page.name, [...(costs.get(page.name) ?? []), await measurePages(table, page)]);
    } finally {
      await table.stop();
    }
  }
} finally {
  await rm(folder, { recursive: true });
}

const number = (value: number) => value.toLocaleString('en-US');
const head = [
  'filter',
  ...SIZES.map((stored) => `rows, units, requests with ${number(stored)}`),
  'median',
  'p95',
];
const rows = PAGES.map(({ name }) => {
  const all = costs.get(name) ?? [];
  const last = all.at(-1);
  return [
    name,
    ...all.map((cost) => `${cost.rows}, ${cost.readUnits}, ${cost.requests}`),
    `${(last?.medianMs ?? 0).toFixed(0)} ms`,
    `${(last?.p95Ms ?? 0).toFixed(0)} ms`,
  ];
});
const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
const report = `# What a page of the list reads

\`npm run bench:history\`: one page of \`GET /generations\`, all generations accepted in one month, most with one output.
For each number of stored generations: rows of the page, read units of DynamoDB, requests to DynamoDB. A page takes at
most ${number(MOST_UNITS)} units. Times are those of the list's code with ${number(most)} stored, and the embedded
table in the same process, which takes most of them. Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'},
load ${(loadavg()[0] ?? 0).toFixed(0)}, ${new Date().toISOString().slice(0, 10)}.

${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}

A filter costs what it looks through. \`status\` and \`model\` are read from the index, labels from each request.
`;
await writeFile(RESULTS, report);
console.log(report);

const faults = PAGES.flatMap(({ name }) => {
  const [few, many, last] = costs.get(name) ?? [];
  const found: string[] = [];
  if (many?.readUnits !== last?.readUnits || many?.requests !== last?.requests)
    found.push(
      `"${name}" costs another number of units or requests with ${most} stored than with ${most / 10}`,
    );
  if (name === 'none' && few?.readUnits !== last?.readUnits)
    found.push(`"${name}" costs another number of units with ${most} stored than with ${FEW}`);
  if ([few, many, last].some((cost) => (cost?.readUnits ?? 0) > MOST_UNITS))
    found.push(`"${name}" costs more than ${MOST_UNITS} units`);
  return found;
});
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;

import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { FUNCTIONS } from '../functions/functions.ts';
import { METRICS } from '../functions/runtime/metrics.ts';
import { bundleFunctions } from '../infra/build/bundle-functions.ts';
import {
  allowancesOf,
  billOf,
  idleBill,
  idleLogs,
  type Line,
  lambdaMs,
  totalOf,
  usdOf,
} from './cost-bill.ts';
import { runGenerations, runIdle, type Usage, type UsageByFunction } from './cost-run.ts';
import { PRICE, PRICES_AS_OF, PRICES_REGION } from './prices.ts';

// npm run bench:cost [-- --generations N]: measures and prices the AWS usage of generations. Requires Linux, because it
// reads processor times from /proc. With `--memory` it measures peaks of memory instead: see `memory.ts`.
const ROOT = path.resolve(import.meta.dirname, '..');
const DOCUMENT = path.join(ROOT, 'docs/cost.md');
const RESULTS = path.join(ROOT, 'bench/results/cost.md');
const IDLE_RUNS = 50;
const generations = Number(/--generations[= ](\d+)/.exec(process.argv.join(' '))?.[1] ?? 20);

if (process.argv.includes('--memory')) {
  await import('./memory.ts');
  process.exit();
}

const bundles = await bundleFunctions();
const run = async (inputHandover: 'upload' | 'presigned') => {
  console.error(`Running ${generations} generations, inputs ${inputHandover}…`);
  return runGenerations({ generations, inputHandover, metrics: true, bundles });
};
const upload = await run('upload');
const presigned = await run('presigned');
console.error(`Running reconcile ${IDLE_RUNS} times in an idle deployment, with metrics and without…`);
const idle = await runIdle(IDLE_RUNS, { inputHandover: 'upload', metrics: true, bundles });
const silent = await runIdle(IDLE_RUNS, { inputHandover: 'upload', metrics: false, bundles });

const CONDITIONS = `${generations} generations one after the other, Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${new Date().toISOString().slice(0, 10)}.`;
const usd = (amount: number, digits = 4) => `$${amount.toFixed(digits)}`;
const number = (value: number) =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2);

const results = `# Usage of a generation

${CONDITIONS}
Averages per generation with two inputs of 2 MB that were not uploaded before, and two outputs. \`reconcile\`: one run with
nothing due.

## Inputs uploaded

${usageTable(upload)}

## Inputs presigned

${usageTable(presigned)}

## Idle

${usageTable({ reconcile: idle })}

Repeat with \`npm run bench:cost\`.
`;
await writeFile(RESULTS, results);
const text = await readFile(DOCUMENT, 'utf8');
const [before, after] = [text.split('<!-- counted -->')[0], text.split('<!-- /counted -->')[1]];
if (before === undefined || after === undefined) throw new Error(`${DOCUMENT} lacks its markers`);
const counted = describeCost();
await writeFile(DOCUMENT, `${before}<!-- counted -->\n\n${counted}\n<!-- /counted -->${after}`);
console.log(`${results}\n${counted}`);

function describeCost(): string {
  return `${CONDITIONS} List prices of ${PRICES_REGION} as of ${PRICES_AS_OF}, without free tiers
unless a line says otherwise.

## 1,000 generations

${billTable()}

In addition, 1,000 generations use a part of these permanent free tiers:

${table(
  ['', 'uploaded', 'beyond the free tier', 'presigned', 'beyond the free tier', 'free a month'],
  allowancesOf(upload).map((line, index) => [
    line.what,
    number(1_000 * line.count),
    usd(1_000 * usdOf(line)),
    number(1_000 * (allowancesOf(presigned)[index]?.count ?? 0)),
    usd(1_000 * usdOf(allowancesOf(presigned)[index] ?? line)),
    line.price === 'trace' ? '100,000' : '100 GB',
  ]),
)}

## An idle month

${idleTable()}
`;
}

function billTable(): string {
  const bills = ([upload, presigned] as const).flatMap((usage) => [
    billOf(usage, 'measured'),
    billOf(usage, 'estimated'),
  ]);
  const rows = (bills[0] ?? []).map(({ what, price }, index) => [
    what,
    ...bills.flatMap((bill, column) => {
      const line = bill[index] as Line;
      const cost = usd(1_000 * usdOf(line));
      return column % 2 === 0 ? [number(1_000 * line.count), cost] : [cost];
    }),
    usdOfUnit(price),
  ]);
  const totals = bills.map((bill) => `**${usd(1_000 * totalOf(bill))}**`);
  const [a = '', b = '', c = '', d = ''] = totals;
  return table(
    ['', 'uploaded', 'as measured', 'on Lambda', 'presigned', 'as measured', 'on Lambda', 'list price'],
    [...rows, ['**total**', '', a, b, '', c, d, '']],
  );
}

function idleTable(): string {
  const lines = idleBill(idle);
  const silentLines = idleBill(silent);
  const fixed = [
    ['SSM parameters (standard), EventBridge schedule, empty SQS queue, PITR of an empty table', 0, 0, 0],
    ['GB of logs', usdOf(idleLogs(idle)), 0, usdOf(idleLogs(silent))],
    [
      `custom metrics: 1 while idle (${Object.keys(METRICS).length} in total; 10 are free)`,
      PRICE.metric.usd,
      0,
      0,
    ],
    ['alarms: 10 (10 are free)', 10 * PRICE.alarm.usd, 0, 0],
    ['dashboards: 1 (3 are free)', PRICE.dashboard.usd, 0, 0],
  ] as const;
  const sum = (column: 1 | 2 | 3, own: readonly Line[]) =>
    fixed.reduce((total, row) => total + row[column], totalOf(own));
  return table(
    ['', 'count', '`standard`, list', '`standard`, with CloudWatch’s free tier', '`none`, list'],
    [
      ...lines.map((line, index) => [
        line.what,
        number(line.count),
        usd(usdOf(line)),
        usd(usdOf(line)),
        usd(usdOf(silentLines[index] ?? line)),
      ]),
      ...fixed.map(([what, ...costs]) => [what, '', ...costs.map((cost) => usd(cost))]),
      [
        '**a month**',
        '',
        `**${usd(sum(1, lines))}**`,
        `**${usd(sum(2, lines))}**`,
        `**${usd(sum(3, silentLines))}**`,
      ],
    ],
  );
}

function usageTable(usage: Partial<UsageByFunction>): string {
  const names = Object.keys(usage).filter(
    (name) => (usage[name as keyof typeof usage]?.invocations ?? 0) > 0,
  );
  const row = (what: string, of: (one: Usage, name: keyof typeof FUNCTIONS) => number) => [
    what,
    ...names.map((name) => {
      const one = usage[name as keyof typeof usage];
      return one ? number(of(one, name as keyof typeof FUNCTIONS)) : '';
    }),
  ];
  return table(
    ['', ...names],
    [
      row('invocations', ({ invocations }) => invocations),
      row('memory, MB', (_, name) => FUNCTIONS[name].memoryMb),
      row('duration as measured, ms', ({ durationMs }) => durationMs),
      row('of which processor, ms', ({ processorMs }) => processorMs),
      row('duration on Lambda, estimated, ms', (one, name) => lambdaMs(name, one)),
      row('cold start as measured, ms', ({ initMs }) => initMs),
      row('peak memory, MiB', ({ peakMib }) => peakMib),
      row('DynamoDB writes', ({ dynamoDbWrites }) => dynamoDbWrites),
      row('DynamoDB write units', ({ dynamoDbWriteUnits }) => dynamoDbWriteUnits),
      row('DynamoDB reads', ({ dynamoDbReads }) => dynamoDbReads),
      row('DynamoDB read units', ({ dynamoDbReadUnits }) => dynamoDbReadUnits),
      row('S3 PUT, POST, LIST', ({ s3Puts }) => s3Puts),
      row('S3 GET, HEAD', ({ s3Gets }) => s3Gets),
      row('SSM parameters', ({ ssmParameters }) => ssmParameters),
      row('events', ({ events }) => events),
      row('requests to Wiro and its CDN', ({ wiroCalls }) => wiroCalls),
      row('bytes moved', ({ bytesMoved }) => bytesMoved),
      row('log lines', ({ logLines }) => logLines),
      row('log bytes', ({ logBytes }) => logBytes),
    ],
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function usdOfUnit(name: keyof typeof PRICE): string {
  const { usd: amount, unit, page } = PRICE[name];
  const per = amount < 0.001 ? `${usd(amount * 1e6, 3)} a million` : usd(amount, 2);
  return `[${per}](${page} "${unit}")`;
}

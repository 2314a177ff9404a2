import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { barsOf, drawBars, readTables } from './plot.ts';

// npm run bench [-- --only copy,latency]: runs the benches one after the other, each in a process of its own, and plots
// the tables that they write to bench/results/.
const RESULTS = path.resolve(import.meta.dirname, 'results');

/** The benches, and the columns of their tables that are plotted. */
const BENCHES: Readonly<Record<string, readonly string[]>> = {
  copy: ['seconds', 'processor seconds', 'peak memory, MiB'],
  cold: ['ms', 'processor ms', 'kB at start'],
  latency: ['p50, ms', 'p90, ms', 'p99, ms'],
  drain: ['seconds', 'ratio'],
  history: [],
  scale: ['generations a second'],
  cost: ['submit', 'callback'],
};

const { values } = parseArgs({
  options: { only: { type: 'string' }, plot: { type: 'boolean', default: false } },
});
const chosen = values.only?.split(',') ?? Object.keys(BENCHES);
const unknown = chosen.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0)
  throw new Error(
    `--only names unknown benches: ${unknown.join(', ')}. Use ${Object.keys(BENCHES).join(', ')}`,
  );

const failed: string[] = [];
for (const name of chosen) {
  // With --plot, the tables are there already.
  if (!values.plot && !(await hasRun(name))) failed.push(name);
  await plot(name, BENCHES[name] ?? []);
}
if (failed.length > 0) {
  console.error(`These failed, or missed their limits: ${failed.join(', ')}. See above.`);
  process.exitCode = 1;
}

async function hasRun(name: string): Promise<boolean> {
  console.error(`\n== ${name}`);
  const child = spawn(process.execPath, [path.join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code === 0;
}

async function plot(name: string, columns: readonly string[]): Promise<void> {
  const report = path.join(RESULTS, `${name}.md`);
  if (!existsSync(report)) return;
  const tables = readTables(await readFile(report, 'utf8'));
  const groups = tables.flatMap((table) =>
    columns.filter((column) => table.head.includes(column)).map((column) => barsOf(table, column)),
  );
  const drawn = groups.filter(({ bars }) => bars.length > 0);
  if (drawn.length > 0) await writeFile(path.join(RESULTS, `${name}.svg`), drawBars(drawn));
}

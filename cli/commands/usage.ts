import { type Command, Option } from 'commander';
import type { UsageDay } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { formatUsd, table } from '../text.ts';

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly by: 'day' | 'model' | 'row';
}

export function configure(command: Command, cli: Cli): void {
  command
    .description('Tells how many generations ended and what they cost. By default of the last 30 days.')
    .option('--from <day>', 'the first day (UTC), such as 2026-10-31')
    .option('--to <day>', 'the last day (default: today)')
    .addOption(
      new Option('--by <what>', 'add up by day or by model; row: by day, model and labels')
        .choices(['day', 'model', 'row'])
        .default('day'),
    )
    .action(async ({ from, to, by }: Options) => {
      const client = await cli.client();
      const usage = await client.usage({
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        signal: cli.signal,
      });
      if (cli.isJson) cli.printJson(usage);
      else if (usage.days.length === 0) cli.note(`Nothing ended from ${usage.from} to ${usage.to}.`);
      else cli.print(describeUsage(usage.days, by));
    });
}

/** Formats usage as a table with a total. */
export function describeUsage(days: readonly UsageDay[], by: Options['by']): string {
  const rows = by === 'row' ? days.map((day) => ({ name: nameOf(day), ...sumOf([day]) })) : group(days, by);
  const total = { name: 'total', ...sumOf(days) };
  return table(
    [by === 'row' ? 'DAY, MODEL' : by.toUpperCase(), 'SUCCEEDED', 'FAILED', 'CANCELLED', 'COST', ''],
    [...rows, total].map(({ name, succeeded, failed, cancelled, costUsd, costUnknown }) => [
      name,
      succeeded.toLocaleString('en'),
      failed.toLocaleString('en'),
      cancelled.toLocaleString('en'),
      formatUsd(costUsd),
      costUnknown > 0 ? `and ${costUnknown} of unknown cost` : '',
    ]),
  );
}

const nameOf = ({ day, model, labels = {} }: UsageDay): string =>
  [day, model, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)].join('  ');

function group(days: readonly UsageDay[], by: 'day' | 'model') {
  const groups = new Map<string, UsageDay[]>();
  for (const day of days) groups.set(day[by], [...(groups.get(day[by]) ?? []), day]);
  return [...groups].map(([name, rows]) => ({ name, ...sumOf(rows) }));
}

function sumOf(rows: readonly UsageDay[]) {
  const sum = (of: (row: UsageDay) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    succeeded: sum(({ succeeded }) => succeeded),
    failed: sum(({ failed }) => failed),
    cancelled: sum(({ cancelled }) => cancelled),
    // In millionths of a dollar, so that the sum has no errors of its own.
    costUsd: sum(({ costUsd }) => Math.round(costUsd * 1e6)) / 1e6,
    costUnknown: sum(({ costUnknown }) => costUnknown),
  };
}

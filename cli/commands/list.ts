import type { Command } from 'commander';
import type { GenerationRow } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { describeRows } from '../describe.ts';
import { addFilters, type FilterOptions, readFilters } from '../filters.ts';
import { readCount } from '../request-options.ts';

const MOST_ROWS = 1_000_000;
const PAGE = 100;

export function configure(command: Command, cli: Cli): void {
  addFilters(command.description('Lists generations, newest first. With --json, one line of JSON each.'))
    .option('-n, --limit <number>', 'at most so many', readCount('--limit', MOST_ROWS), 20)
    .action(async ({ limit, ...filters }: FilterOptions & { readonly limit: number }) => {
      const listing = { ...readFilters(filters), pageSize: Math.min(limit, PAGE), signal: cli.signal };
      const client = await cli.client();
      const rows: GenerationRow[] = [];
      let listed = 0;
      for await (const row of client.list(listing)) {
        if (cli.isJson) cli.printJson(row, { isLine: true });
        else rows.push(row);
        listed += 1;
        if (listed === limit) break;
      }
      if (cli.isJson) return;
      if (listed === 0) return cli.note('There are none.');
      cli.print(describeRows(rows, new Date(), cli.width));
      if (listed === limit) cli.note(`These are the latest ${limit}: add --limit for more.`);
    });
}

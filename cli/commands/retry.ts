import type { Command } from 'commander';
import { changeMany } from '../change-many.ts';
import type { Cli } from '../cli.ts';
import { addFilters, type FilterOptions } from '../filters.ts';

interface Options extends FilterOptions {
  readonly yes?: boolean;
  readonly force?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addFilters(
    command
      .description(
        'Starts the next attempt of failed or cancelled generations. It resumes at the last paid step: a task that succeeded is collected again, and not run again.',
      )
      .argument('[id...]', "the generations' ids; without them, those that the filters find, after asking"),
  )
    .option('--force', 'run anew although an earlier task may still run or have been charged')
    .option('-y, --yes', 'do not ask')
    .action((ids: readonly string[], { yes = false, force = false, ...filters }: Options) =>
      changeMany(cli, {
        ids,
        filters,
        isConfirmed: yes,
        verb: 'retry',
        statuses: ['failed', 'cancelled'],
        change: (client, id) => client.retry(id, { signal: cli.signal, ...(force && { force }) }),
      }),
    );
}

import type { Command } from 'commander';
import { changeMany } from '../change-many.ts';
import type { Cli } from '../cli.ts';
import { addFilters, type FilterOptions } from '../filters.ts';

export function configure(command: Command, cli: Cli): void {
  addFilters(
    command
      .description(
        'Cancels generations. One that waits ends at once; a task that runs is stopped at Wiro, and keeps its outputs if it succeeds meanwhile.',
      )
      .argument('[id...]', "the generations' ids; without them, those that the filters find, after asking"),
  )
    .option('-y, --yes', 'do not ask')
    .action(
      (ids: readonly string[], { yes = false, ...filters }: FilterOptions & { readonly yes?: boolean }) =>
        changeMany(cli, {
          ids,
          filters,
          isConfirmed: yes,
          verb: 'cancel',
          statuses: ['queued', 'submitting', 'running', 'collecting'],
          change: (client, id) => client.cancel(id, { signal: cli.signal }),
        }),
    );
}

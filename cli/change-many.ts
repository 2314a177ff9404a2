import type { Client, GenerationRow, Status } from '../client/index.ts';
import type { Cli } from './cli.ts';
import { describeRows } from './describe.ts';
import { CliError, describeError, usageError } from './errors.ts';
import { type FilterOptions, hasFilters, readFilters } from './filters.ts';
import { count } from './text.ts';

export interface ChangeManyOptions {
  readonly ids: readonly string[];
  readonly filters: FilterOptions;
  readonly isConfirmed: boolean;
  /** The command's name. */
  readonly verb: 'cancel' | 'retry';
  /** The statuses of generations that the command changes. Others are passed over when the list finds them. */
  readonly statuses: readonly Status[];
  readonly change: (client: Client, id: string) => Promise<{ readonly id: string; readonly status: Status }>;
}

const AT_ONCE = 6;
/** Ids are kept in memory, and a person confirms them at once. */
const MOST_AT_ONCE = 10_000;
const SHOWN = 10;

/**
 * Changes generations by their ids, or those that a list finds, after the user has confirmed it.
 * @throws {CliError} If one of them refuses.
 */
export async function changeMany(cli: Cli, options: ChangeManyOptions): Promise<void> {
  const { ids, filters, verb } = options;
  if (ids.length > 0 && hasFilters(filters))
    throw usageError(`${verb} takes ids, or filters such as --status, but not both.`);
  if (ids.length === 0 && !hasFilters(filters))
    throw usageError(`Which generations? Name their ids, or filters such as --label name=text.`);
  const client = await cli.client();
  const wanted = ids.length > 0 ? [...new Set(ids)] : await choose(cli, client, options);
  let done = 0;
  cli.onInterrupt(`Repeat the command for the others: it passes over what it has done.`);
  const failures = await eachOf(cli, wanted, async (id) => {
    const { status } = await options.change(client, id);
    done += 1;
    if (cli.isJson) cli.printJson({ id, status }, { isLine: true });
    else cli.print(`${id}  ${status}`);
  });
  if (failures.length === 0) return;
  if (wanted.length === 1) throw failures[0];
  throw new CliError(
    `${count(done, 'generation')} of ${wanted.length} could ${verb}; ${failures.length} could not.`,
  );
}

async function choose(
  cli: Cli,
  client: Client,
  { filters, verb, statuses, isConfirmed }: ChangeManyOptions,
): Promise<readonly string[]> {
  const { status } = filters;
  if (status !== undefined && !statuses.includes(status))
    throw usageError(`--status is "${status}": ${verb} is for ${statuses.join(', ')}.`);
  const found: GenerationRow[] = [];
  // The API filters by one status. A single one that is possible is worth its filter.
  const only = status ?? (statuses.length === 1 ? statuses[0] : undefined);
  cli.progress.progress('looking for generations');
  for await (const row of client.list({
    ...readFilters(filters),
    ...(only && { status: only }),
    pageSize: 100,
    signal: cli.signal,
  })) {
    if (!statuses.includes(row.status)) continue;
    found.push(row);
    if (found.length > MOST_AT_ONCE)
      throw usageError(
        `More than ${MOST_AT_ONCE.toLocaleString('en')} generations match: narrow the filters.`,
      );
  }
  cli.progress.end();
  if (found.length === 0) {
    cli.note('No generation matches.');
    return [];
  }
  if (isConfirmed) return found.map(({ id }) => id);
  cli.note(describeRows(found.slice(0, SHOWN), new Date(), cli.width));
  if (found.length > SHOWN) cli.note(`… and ${found.length - SHOWN} more`);
  const answer = await cli.confirm(
    `${verb === 'cancel' ? 'Cancel' : 'Retry'} ${count(found.length, 'generation')}?`,
  );
  if (answer === undefined)
    throw usageError(
      `There is no terminal to ask on: add --yes to ${verb} ${count(found.length, 'generation')}.`,
    );
  if (!answer) throw new CliError('Nothing was changed.');
  return found.map(({ id }) => id);
}

/** Works on all, some at once. @returns What failed, which is also reported as it comes. */
async function eachOf(
  cli: Cli,
  ids: readonly string[],
  work: (id: string) => Promise<void>,
): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const left = [...ids].reverse();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        cli.signal.throwIfAborted();
        try {
          await work(id);
        } catch (error) {
          cli.signal.throwIfAborted();
          failures.push(error);
          if (ids.length > 1) cli.note(`${id}: ${describeError(error)}`);
        }
      }
    }),
  );
  return failures;
}

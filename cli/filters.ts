import { type Command, Option } from 'commander';
import type { GenerationRow, ListOptions, Status } from '../client/index.ts';
import { usageError } from './errors.ts';
import { collect, readPairs } from './request-options.ts';

/** Which generations the user means. */
export interface FilterOptions {
  readonly status?: Status;
  readonly model?: string;
  readonly label?: readonly string[];
  readonly origin?: GenerationRow['origin'];
  readonly from?: string;
  readonly to?: string;
}

const STATUSES = ['queued', 'submitting', 'running', 'collecting', 'succeeded', 'failed', 'cancelled'];

/** Adds the filters of a list. */
export const addFilters = (command: Command): Command =>
  command
    .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
    .option('--model <owner/project>', 'only of this model')
    .option('--label <name=text>', 'only with this label, repeatable', collect)
    .addOption(new Option('--origin <origin>', 'only of this origin').choices(['api', 's3', 'event']))
    .option('--from <time>', 'accepted then or later: a day (UTC) or a time with its zone')
    .option('--to <time>', 'accepted before then');

/** Whether any filter is given. */
export const hasFilters = ({ status, model, label, origin, from, to }: FilterOptions): boolean =>
  [status, model, label, origin, from, to].some((filter) => filter !== undefined);

/** @throws {CliError} For a label that is none. */
export function readFilters({ status, model, label, origin, from, to }: FilterOptions): ListOptions {
  const problems: string[] = [];
  const labels = label && readPairs('--label', 'name=text', label, problems);
  if (problems.length > 0) throw usageError(problems.join('\n'));
  return {
    ...(status && { status }),
    ...(model !== undefined && { model: model as NonNullable<ListOptions['model']> }),
    ...(labels && { labels }),
    ...(origin && { origin }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

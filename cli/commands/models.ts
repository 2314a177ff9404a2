import type { Command } from 'commander';
import type { Model, ModelParameter, ModelRow, Price } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { describePrice } from '../describe.ts';
import { readCount } from '../request-options.ts';
import { fields, formatUsd, plain, table } from '../text.ts';

const MOST_ROWS = 10_000;

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Lists the models that the deployment runs, or shows one with its parameters: models owner/project. With --json, one line of JSON each.',
    )
    .argument('[words...]', "words to search for, or a model's name")
    .option('-n, --limit <number>', 'at most so many', readCount('--limit', MOST_ROWS), 20)
    .action(async (words: readonly string[], { limit }: { readonly limit: number }) => {
      const [name] = words;
      if (words.length === 1 && name !== undefined && /^[^/\s]+\/[^/\s]+$/.test(name)) return show(cli, name);
      return list(cli, words.join(' '), limit);
    });
}

async function list(cli: Cli, search: string, limit: number): Promise<void> {
  const client = await cli.client();
  const rows: ModelRow[] = [];
  for await (const row of client.models({
    ...(search !== '' && { search }),
    pageSize: Math.min(limit, 100),
    signal: cli.signal,
  })) {
    if (cli.isJson) cli.printJson(row, { isLine: true });
    rows.push(row);
    if (rows.length === limit) break;
  }
  if (cli.isJson) return;
  if (rows.length === 0) return cli.note('There are none.');
  cli.print(
    table(
      ['MODEL', 'PRICE', 'TITLE'],
      rows.map(({ name, kind, price, title = '' }) => [
        name,
        kind === 'plain' ? (price ? describePrice(withoutNote(price)) : '') : kind,
        title,
      ]),
      cli.width === undefined ? {} : { width: cli.width },
    ),
  );
  if (rows.length === limit) cli.note(`These are the first ${limit}: add --limit for more.`);
}

/** A table has no room for it. */
const withoutNote = ({ note: _, ...price }: Price): Price => price;

async function show(cli: Cli, name: string): Promise<void> {
  const client = await cli.client();
  const model = await client.model(name, { signal: cli.signal });
  if (cli.isJson) return cli.printJson(model);
  cli.print(describeModel(model));
}

/** Formats a model with its parameters for a terminal. */
export function describeModel({
  name,
  title,
  description,
  kind,
  approximateCostUsd,
  parameters,
}: Model): string {
  const about = fields([
    ['Model', name],
    ['Title', title === undefined ? undefined : plain(title)],
    ['About', description === undefined ? undefined : plain(description)],
    ['Kind', kind === 'plain' ? undefined : kind],
    ['Average run', approximateCostUsd === undefined ? undefined : `about ${formatUsd(approximateCostUsd)}`],
  ]);
  if (parameters.length === 0) return `${about}\n\nWiro lists no parameters.`;
  const rows = parameters.map((parameter) => [
    parameter.id,
    parameter.required ? 'required' : '',
    /file/.test(parameter.type) ? 'file (-i)' : parameter.type,
    defaultOf(parameter),
    limitsOf(parameter),
  ]);
  return `${about}\n\n${table(['PARAMETER', '', 'TYPE', 'DEFAULT', 'VALUES'], rows)}`;
}

const defaultOf = ({ default: value }: ModelParameter): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

const MOST_OPTIONS = 8;

function limitsOf({ options = [], min, max, step, label }: ModelParameter): string {
  if (options.length > 0) {
    const shown = options
      .slice(0, MOST_OPTIONS)
      .map((option) =>
        option.label === undefined || option.label === option.value
          ? option.value
          : `${option.value} (${option.label})`,
      );
    return `${shown.join(', ')}${options.length > MOST_OPTIONS ? `, and ${options.length - MOST_OPTIONS} more` : ''}`;
  }
  if (min !== undefined || max !== undefined)
    return `${min ?? '…'} to ${max ?? '…'}${step === undefined ? '' : `, step ${step}`}`;
  return label ?? '';
}

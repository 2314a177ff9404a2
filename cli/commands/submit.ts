import path from 'node:path';
import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Checked, checkRows, type KeyedRow } from '../batch/check-rows.ts';
import { type Journal, openJournal } from '../batch/journal.ts';
import { lockJournal } from '../batch/lock-journal.ts';
import { describeProblems, digestFiles, filesOf, prepareRows } from '../batch/prepare-batch.ts';
import { type RowProblem, readBatch } from '../batch/read-batch.ts';
import { reportEnds } from '../batch/report-ends.ts';
import { rowKeys, sha256 } from '../batch/row-keys.ts';
import { RefusedFilesError, sendRows } from '../batch/send-rows.ts';
import type { RowDefaults } from '../batch/to-request.ts';
import type { Cli } from '../cli.ts';
import { CliError, describeError, EXIT, exitCodeOf, usageError } from '../errors.ts';
import { requireOutputFolder } from '../output-folder.ts';
import {
  collect,
  type LocalFile,
  readCount,
  readPairs,
  readParameters,
  readUsd,
} from '../request-options.ts';
import { count, formatUsd, plain } from '../text.ts';

interface Options {
  readonly model?: string;
  readonly parameter?: readonly string[];
  readonly label?: readonly string[];
  readonly maxCost?: number;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly output?: string;
  readonly batch?: string;
  readonly journal?: string;
  readonly concurrency: number;
}

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Submits every request of a file: a table (CSV) with the columns model, prompt and any other parameter or file parameter, and label.<name>; a JSON list; or JSONL. ' +
        'Everything is checked and priced first, and nothing is submitted if anything is wrong. Repeat the command to go on where it was interrupted: nothing is started twice.',
    )
    .argument('<file>', 'the file; paths in it begin at its folder')
    .option('--model <owner/project>', 'the model of rows that name none')
    .option('-p, --parameter <name=value>', 'a parameter for rows that lack it, repeatable', collect)
    .option('--label <name=text>', 'a label for all, repeatable', collect)
    .option('--max-cost <usd>', 'refuse rows that are known to cost more', readUsd)
    .option('--dry-run', 'only check and price')
    .option('-w, --wait', 'wait until all have ended; the exit code is 1 if one did not succeed')
    .option('-o, --output <directory>', 'wait, and download the outputs into a folder of each generation')
    .option('--batch <name>', 'run the same file again, as another batch of this name')
    .option('--journal <file>', 'where to note what was accepted (default: beside the file)')
    .option('--concurrency <number>', 'how many at once', readCount('--concurrency', 64), 8)
    .addHelpText(
      'after',
      '\nFor example:\n  wiro-serverless submit prompts.csv --model wiro/text-to-image --label batch=june -o pictures',
    )
    .action((file: string, options: Options) => submit(cli, file, options));
}

async function submit(cli: Cli, file: string, options: Options): Promise<void> {
  const defaults = readDefaults(options);
  cli.onInterrupt('This run submitted nothing. Repeat the command.');
  if (options.output !== undefined) await requireOutputFolder(options.output);
  const journalFile = options.journal ?? `${file}${options.batch ? `.${options.batch}` : ''}.journal.jsonl`;
  const release = options.dryRun ? undefined : await lockJournal(journalFile);
  try {
    await submitLocked(cli, { file, journalFile, defaults, options });
  } finally {
    release?.();
  }
}

interface Submitting {
  readonly file: string;
  readonly journalFile: string;
  readonly defaults: RowDefaults;
  readonly options: Options;
}

async function submitLocked(cli: Cli, { file, journalFile, defaults, options }: Submitting): Promise<void> {
  const { signal, progress } = cli;
  const { bytes, rows, problems: ofForm } = await readBatch(file);
  const client = await cli.client();
  const { identity } = await cli.deployment();
  progress.progress('reading the models and files');
  const { prepared, problems: ofRows } = await prepareRows(rows, {
    client,
    defaults,
    folder: path.dirname(path.resolve(file)),
    signal,
  });
  const digests = await digestFiles(filesOf(prepared), signal);
  const digestOf = (one: LocalFile) => digests.get(one.path) ?? '';
  const journal = openJournal({
    file: journalFile,
    deployment: identity,
    batch: sha256(Buffer.concat([bytes, Buffer.from(options.batch ? `\0${options.batch}` : '')])),
    now: () => new Date(),
    isReadOnly: true,
  });
  const keys = rowKeys(
    journal.batch,
    prepared.map(({ given }) => given),
    digestOf,
  );
  const keyed = prepared.map((row, index): KeyedRow => ({ ...row, key: keys[index] ?? '' }));
  const fresh = keyed.filter(({ key }) => journal.accepted(key) === undefined);

  const checked = await check(cli, client, fresh, options.concurrency);
  // What was sent before may have been accepted, and then is wrong in no way that matters.
  const ofCheck = checked.problems.filter(
    ({ line }) => !fresh.some((row) => row.line === line && journal.sentInputs(row.key) !== undefined),
  );
  requireNone(file, [...ofForm, ...ofRows, ...ofCheck, ...twice(keyed)]);
  for (const warning of describeProblems(file, checked.warnings)) cli.note(`Warning: ${warning}`);
  cli.note(describePrice(checked, fresh.length, keyed.length - fresh.length));
  if (options.dryRun) {
    if (cli.isJson)
      cli.printJson({
        requests: keyed.length,
        submittedBefore: keyed.length - fresh.length,
        ...priceOf(checked),
      });
    return;
  }

  const writing = openJournal({
    file: journalFile,
    deployment: identity,
    batch: journal.batch,
    now: () => new Date(),
  });
  try {
    await send(cli, { file, journalFile, journal: writing, keyed, fresh, digestOf, options });
  } finally {
    writing.close();
  }
}

function readDefaults({ model, parameter = [], label = [], maxCost, batch }: Options): RowDefaults {
  const problems: string[] = [];
  const parameters = readParameters(parameter, problems);
  const labels = readPairs('--label', 'name=text', label, problems);
  if (batch !== undefined && !/^[\w.-]{1,64}$/.test(batch))
    problems.push(`--batch is "${plain(batch)}": use up to 64 letters, digits, "_", "." and "-".`);
  if (problems.length > 0) throw usageError(problems.join('\n'));
  return { model, parameters, labels, maxCostUsd: maxCost };
}

async function check(
  cli: Cli,
  client: Awaited<ReturnType<Cli['client']>>,
  rows: readonly KeyedRow[],
  atOnce: number,
): Promise<Checked> {
  let done = 0;
  const checked = await checkRows(client, rows, {
    atOnce,
    signal: cli.signal,
    onChecked: () => {
      done += 1;
      cli.progress.progress(`checking, ${done} of ${rows.length}`, (done / rows.length) * 100);
    },
  });
  cli.progress.end();
  return checked;
}

const MOST_SHOWN = 100;

/** @throws {CliError} With all problems by line. */
function requireNone(file: string, problems: readonly RowProblem[]): void {
  if (problems.length === 0) return;
  const lines = describeProblems(file, problems);
  const more = lines.length > MOST_SHOWN ? [`… and ${lines.length - MOST_SHOWN} more`] : [];
  throw usageError([...lines.slice(0, MOST_SHOWN), ...more, 'Nothing was submitted.'].join('\n'));
}

/** Two rows with the same idempotency key would be one generation. */
function twice(rows: readonly KeyedRow[]): readonly RowProblem[] {
  const lines = new Map<string, number>();
  return rows.flatMap(({ key, line }) => {
    const before = lines.get(key);
    lines.set(key, before ?? line);
    return before === undefined
      ? []
      : [
          {
            line,
            message: `its idempotencyKey is that of line ${before}: give each its own, or leave them out`,
          },
        ];
  });
}

const priceOf = ({ usd, estimates, unknown }: Checked) => ({
  priceUsd: usd,
  estimatedPrices: estimates,
  unknownPrices: unknown,
});

function describePrice({ usd, estimates, unknown }: Checked, fresh: number, before: number): string {
  if (fresh === 0) return `All ${count(before, 'request')} were submitted before.`;
  const more = [
    ...(estimates > 0 ? [`${count(estimates, 'price')} estimated`] : []),
    ...(unknown > 0 ? [`${count(unknown, 'price')} unknown`] : []),
    ...(before > 0 ? [`${before} submitted before`] : []),
  ];
  const price = unknown === fresh ? 'price unknown' : `${estimates > 0 ? 'about ' : ''}${formatUsd(usd)}`;
  return `${count(fresh, 'request')}, ${price}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
}

interface Sending {
  readonly file: string;
  readonly journalFile: string;
  readonly journal: Journal;
  readonly keyed: readonly KeyedRow[];
  readonly fresh: readonly KeyedRow[];
  readonly digestOf: (file: LocalFile) => string;
  readonly options: Options;
}

async function send(cli: Cli, sending: Sending): Promise<void> {
  const { file, journalFile, journal, keyed, fresh, digestOf, options } = sending;
  const client = await cli.client();
  const { signal, progress } = cli;
  const refused: RowProblem[] = [];
  let accepted = keyed.length - fresh.length;
  let repeated = 0;
  const goOn = () =>
    `${accepted} of ${count(keyed.length, 'request')} were accepted and go on. Repeat the command for the others: nothing is started twice.`;
  const isWaiting = options.wait === true || options.output !== undefined;
  const show = () => {
    cli.onInterrupt(goOn());
    progress.progress(`submitting, ${accepted} of ${keyed.length} accepted`, (accepted / keyed.length) * 100);
  };
  if (cli.isJson && !isWaiting)
    for (const { key } of keyed) {
      const known = journal.accepted(key);
      if (known !== undefined)
        cli.printJson({ line: known.line, id: known.id, repeated: true }, { isLine: true });
    }
  show();
  try {
    await sendRows(
      {
        client,
        journal,
        digestOf,
        signal,
        atOnce: options.concurrency,
        pause: (ms, abort) => pauseFor(ms, undefined, { signal: abort }),
        onAccepted: ({ line }, { id, repeated: wasThere = false }) => {
          accepted += 1;
          if (wasThere) repeated += 1;
          if (cli.isJson && !isWaiting) cli.printJson({ line, id, repeated: wasThere }, { isLine: true });
          show();
        },
        onRefused: (problem) => {
          refused.push(problem);
          cli.note(describeProblems(file, [problem]).join('\n'));
        },
      },
      fresh,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RefusedFilesError) requireNone(file, error.problems);
    throw new CliError(`${describeError(error)}\n${goOn()}`, exitCodeOf(error), { cause: error });
  }
  progress.end();
  const summary = `Accepted ${count(accepted, 'request')}${
    repeated > 0 ? `, ${repeated} of them before` : ''
  }. Their ids are in ${plain(journalFile)}.`;
  if (!isWaiting) {
    if (cli.isJson) cli.note(summary);
    else cli.print(summary);
  } else {
    cli.note(summary);
    const all = keyed.flatMap(({ key }) => journal.accepted(key) ?? []);
    await reportEnds(cli, { file, journal, accepted: all, output: options.output });
  }
  if (refused.length > 0)
    throw new CliError(
      `${count(refused.length, 'request')} were refused: mend them and repeat the command.`,
      EXIT.failed,
    );
}

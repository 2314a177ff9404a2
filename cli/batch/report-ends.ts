import path from 'node:path';
import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Generation } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { CliError, describeError, EXIT } from '../errors.ts';
import { isOfDisk, saveOutputs } from '../save-output.ts';
import { count, formatUsd } from '../text.ts';
import { awaitRows } from './await-rows.ts';
import type { Accepted, Journal } from './journal.ts';
import { describeProblems } from './prepare-batch.ts';
import type { RowProblem } from './read-batch.ts';

export interface ReportOptions {
  /** The batch's file, for messages. */
  readonly file: string;
  readonly journal: Journal;
  readonly accepted: readonly Accepted[];
  /** The folder for outputs. @default - they stay in the bucket */
  readonly output: string | undefined;
}

const KEPT =
  'All outputs are kept in the bucket. Mend that and repeat the command: nothing is started twice.';

/**
 * Waits until all generations of a batch have ended, downloads their outputs if there is a folder for them, and reports.
 * @throws {CliError} With the lines of those that did not succeed.
 */
export async function reportEnds(cli: Cli, options: ReportOptions): Promise<void> {
  const { file, journal, accepted, output } = options;
  const client = await cli.client();
  const { signal, progress } = cli;
  // Whoever retries one that failed expects its new end here.
  const isOver = ({ id }: Accepted) => {
    const end = journal.end(id);
    return end?.status === 'succeeded' && (output === undefined || end.files !== undefined);
  };
  let over = accepted.filter(isOver).length;
  let costUsd = 0;
  const failures: RowProblem[] = [];
  const show = () =>
    progress.progress(`waiting, ${over} of ${accepted.length} have ended`, (over / accepted.length) * 100);
  cli.onInterrupt(`All ${accepted.length} go on. Repeat the command to wait for them again.`);

  /** @returns The paths of the outputs. Without them, a repeat of the command tries again. */
  async function save(generation: Generation, line: number): Promise<readonly string[] | undefined> {
    if (output === undefined) return undefined;
    try {
      const saved = await saveOutputs(client, generation, { directory: path.resolve(output), signal });
      return saved.map((one) => path.relative('', one.path));
    } catch (error) {
      signal.throwIfAborted();
      // The disk would refuse the others too.
      if (isOfDisk(error))
        throw new CliError(`${describeError(error)}\n${KEPT}`, EXIT.failed, { cause: error });
      failures.push({ line, message: describeError(error) });
      return undefined;
    }
  }

  show();
  if (cli.isJson)
    for (const row of accepted.filter(isOver))
      cli.printJson({ line: row.line, id: row.id, ...endOf(journal, row.id) }, { isLine: true });
  await awaitRows(
    {
      client,
      signal,
      pause: (ms, abort) => pauseFor(ms, undefined, { signal: abort }),
      onGone: ({ id, line }) => {
        over += 1;
        failures.push({
          line,
          message: `generation ${id} does not exist any more: remove its line from the journal to submit it again`,
        });
      },
      onEnd: async ({ id, line }, generation) => {
        const { status, error } = generation;
        const files = status === 'succeeded' ? await save(generation, line) : undefined;
        journal.noteEnd(id, { status, costUsd: generation.costUsd, files });
        over += 1;
        if (status !== 'succeeded')
          failures.push({
            line,
            message: `generation ${id} ${status === 'cancelled' ? 'was cancelled' : `failed: ${error?.message ?? ''}`}`,
          });
        if (cli.isJson)
          cli.printJson({ line, id, ...endOf(journal, id), ...(error && { error }) }, { isLine: true });
        else for (const one of files ?? []) cli.print(one);
        show();
      },
    },
    accepted.filter((row) => !isOver(row)),
  );
  progress.end();
  for (const { id } of accepted) costUsd += Math.round((journal.end(id)?.costUsd ?? 0) * 1e6);
  const summary = `${accepted.length - failures.length} of ${count(accepted.length, 'generation')} succeeded. Cost: ${formatUsd(costUsd / 1e6)}`;
  if (cli.isJson || output !== undefined) cli.note(summary);
  else cli.print(summary);
  if (failures.length > 0)
    throw new CliError(
      `${describeProblems(file, failures).join('\n')}\n${count(failures.length, 'generation')} did not succeed.`,
    );
}

function endOf(journal: Journal, id: string) {
  const { status, costUsd, files } = journal.end(id) ?? {};
  return { status, ...(costUsd !== undefined && { costUsd }), ...(files && { files }) };
}

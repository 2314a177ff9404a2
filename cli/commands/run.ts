import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Command } from 'commander';
import type { Generation } from '../../client/index.ts';
import { isRefusal } from '../../mcp/is-refusal.ts';
import type { Cli } from '../cli.ts';
import { answerOf } from '../describe.ts';
import { CliError, describeError } from '../errors.ts';
import { followGeneration } from '../follow.ts';
import { requireOutputFolder } from '../output-folder.ts';
import {
  addRequestOptions,
  type RequestOptions,
  readRequestOptions,
  withInputs,
} from '../request-options.ts';
import { type SavedFile, saveOutputs } from '../save-output.ts';
import { formatBytes, formatUsd, plain } from '../text.ts';
import { createUploads } from '../upload-files.ts';

interface Options extends RequestOptions {
  readonly output: string;
  readonly download: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addRequestOptions(
    command
      .description('Runs a model, waits for it and downloads its outputs. Prints the paths of the files.')
      .argument('<model>', 'owner/project, as in its address at Wiro'),
  )
    .option('--key <text>', 'the idempotency key: a repeat with it is the same generation')
    .option('-o, --output <directory>', 'where to put the outputs, in a folder of their own', 'outputs')
    .option('--no-download', 'leave the outputs in the bucket')
    .addHelpText('after', '\nFor example:\n  wiro-serverless run wiro/text-to-image -p prompt="A lighthouse"')
    .action(async (model: string, options: Options) => run(cli, model, options));
}

async function run(cli: Cli, model: string, options: Options): Promise<void> {
  const given = await readRequestOptions(model, options);
  if (options.download) await requireOutputFolder(options.output);
  cli.onInterrupt('Nothing was submitted. Repeat the command.');
  const client = await cli.client();
  const { signal, progress } = cli;
  const upload = createUploads(client, {
    signal,
    onUpload: ({ name, sizeBytes }) => progress.progress(`uploading ${name} (${formatBytes(sizeBytes)})`),
  });
  const request = await withInputs(given, upload);
  const idempotencyKey = request.idempotencyKey ?? randomUUID();
  cli.onInterrupt(`The request may have been accepted: look with "${cli.commandLine('list')}".`);
  progress.progress('submitting');
  const accepted = await client.submit({ ...request, idempotencyKey }, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    // A repeat without it would be another generation.
    if (request.idempotencyKey === undefined && !isRefusal(error))
      cli.note(
        `The request may have been accepted. If you repeat the command, add --key ${idempotencyKey}: then nothing is started twice.`,
      );
    throw error;
  });
  const { id } = accepted;
  cli.onInterrupt(`The generation goes on: follow it with "${cli.commandLine('show', id, '--watch')}".`);
  for (const { message } of accepted.warnings ?? []) cli.note(`Warning: ${plain(message)}`);
  cli.note(accepted.repeated ? `Generation ${id}, as submitted before` : `Generation ${id}`);
  const generation = await followGeneration(client, id, cli);
  progress.end();
  requireSuccess(generation, cli);
  cli.onInterrupt(`Its outputs are kept: get them with "${cli.commandLine('download', id)}".`);
  const files = options.download ? await download(cli, generation, options.output) : [];
  printRun(cli, generation, files);
}

/** @throws {CliError} With the reason, if a generation did not succeed. */
export function requireSuccess({ id, status, error }: Generation, cli: Pick<Cli, 'commandLine'>): void {
  if (status === 'succeeded') return;
  if (status === 'cancelled') throw new CliError(`Generation ${id} was cancelled.`);
  const reason = error === undefined ? '' : `: ${plain(error.message)}`;
  throw new CliError(`Generation ${id} failed${reason}\nLook at it with "${cli.commandLine('show', id)}".`);
}

/** Saves a generation's outputs, with its progress on standard error. */
export async function download(
  cli: Cli,
  generation: Pick<Generation, 'id' | 'outputs'>,
  directory: string,
): Promise<readonly SavedFile[]> {
  const total = generation.outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const files = await saveOutputs(await cli.client(), generation, {
    directory: path.resolve(directory),
    signal: cli.signal,
    onBytes: ({ name, sizeBytes }, bytes) =>
      cli.progress.progress(
        `downloading ${name} (${formatBytes(total)} in all)`,
        sizeBytes > 0 ? (bytes / sizeBytes) * 100 : 100,
      ),
  }).catch((error: unknown) => {
    cli.signal.throwIfAborted();
    const again = cli.commandLine('download', generation.id, '-o', 'DIR');
    throw new CliError(
      `${describeError(error)}\nThe outputs are kept in the bucket: get them with "${again}".`,
      undefined,
      {
        cause: error,
      },
    );
  });
  cli.progress.end();
  return files;
}

function printRun(cli: Cli, generation: Generation, files: readonly SavedFile[]): void {
  const { id, costUsd, outputs, outputsTotal } = generation;
  const paths = files.map((file) => path.relative('', file.path));
  if (cli.isJson) {
    cli.printJson({ ...generation, files: paths });
    return;
  }
  const kept = files.filter(({ wasThere }) => wasThere).length;
  if (kept > 0) cli.note(`${kept === 1 ? 'One file was' : `${kept} files were`} there already, unchanged.`);
  if (outputsTotal !== undefined)
    cli.note(`The record lists ${outputs.length} of ${outputsTotal} outputs. All are in the bucket.`);
  for (const answer of outputs.map(answerOf)) if (answer) cli.print(answer);
  for (const file of paths) cli.print(file);
  if (files.length === 0) cli.print(id);
  if (costUsd !== undefined) cli.note(`Cost: ${formatUsd(costUsd)}`);
}

import { Command, CommanderError } from 'commander';
import { UnreachableError } from '../client/index.ts';
import { createCli, type GlobalOptions, type RunningCli } from './cli.ts';
import { COMMANDS } from './commands.ts';
import { CliError, describeError, EXIT, exitCodeOf } from './errors.ts';
import { abortOnSignals, InterruptedError, OutputClosedError } from './interrupt.ts';
import { explainSilence } from './local-deployment.ts';

/** Options of every command that take a value. */
const CONNECTION = [
  ['--stack <name>', 'talk to this deployed stack (default: what "npm start" runs)'],
  ['--region <region>', "the stack's AWS region (default: of the profile or AWS_REGION)"],
  ['--profile <name>', 'the AWS profile to sign with'],
  ['--api-output <name>', "the stack's output with the API's URL (default: ApiUrl)"],
  ['--data <directory>', 'the directory given to "npm start -- --data"'],
] as const;

const AFTER_HELP = `
Exit codes: 0 done; 1 it did not succeed; 2 wrong usage; 3 no deployment reached or credentials refused; 130 Ctrl-C.`;

/** Runs the command that `args` name. @returns The exit code. */
export async function runProgram(
  args: readonly string[],
  { version }: { readonly version: string },
): Promise<number> {
  const interruption = new AbortController();
  const { signal } = interruption;
  abortOnSignals(interruption);
  let outputError: Error | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    outputError =
      error.code === 'EPIPE'
        ? new OutputClosedError()
        : new CliError(`Cannot write the output (${error.code}).`, EXIT.failed, { cause: error });
    interruption.abort(outputError);
  });
  // Messages that nobody can read stop no work.
  process.stderr.on('error', () => {});
  const program = createProgram(version);
  const cli = createCli({
    options: () => program.opts<GlobalOptions>(),
    version,
    signal,
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
  });
  const wanted = commandIn(args);
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary);
    if (entry.name === wanted || wanted === 'completion') (await entry.load()).configure(command, cli);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    await new Promise((resolve) => process.stdout.write('', resolve));
    // All was done, even if nothing read the last of it.
    if (outputError instanceof CliError) throw outputError;
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    return explainEnd(error, cli);
  } finally {
    cli.progress.end();
  }
}

/** The program with the options of every command, and without commands. */
export function createProgram(version: string): Command {
  const program = new Command('wiro-serverless')
    .usage('<command> [options]')
    .description('Run Wiro models through a deployment, and look after it.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Add --help for what is possible.')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false });
  for (const [flags, description] of CONNECTION) program.option(flags, description);
  program.addHelpText('after', AFTER_HELP);
  return program.option('--json', 'results as JSON on standard output, and nothing else there');
}

/** The name of the command: the first argument that is neither an option nor an option's value. */
export function commandIn(args: readonly string[]): string | undefined {
  const takesValue = new Set(CONNECTION.map(([flags]) => flags.split(' ')[0]));
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (takesValue.has(arg)) at += 1;
    else if (arg === 'help') return args[at + 1];
    else if (!arg.startsWith('-')) return arg;
  }
  return undefined;
}

async function explainEnd(error: unknown, cli: RunningCli): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  cli.progress.end();
  // What fails after Ctrl-C fails because of it.
  const reason: unknown = cli.signal.aborted ? cli.signal.reason : error;
  if (reason instanceof OutputClosedError) {
    // What was only read is complete for its reader.
    if (cli.advice === undefined) return EXIT.done;
    cli.note(`${reason.message} ${cli.advice}`);
    return reason.exitCode;
  }
  if (reason instanceof InterruptedError) {
    cli.note(`${reason.message} ${cli.advice ?? 'Repeat the command.'}`);
  } else {
    const deployment = reason instanceof UnreachableError ? await cli.deployment() : undefined;
    cli.note(deployment?.kind === 'local' ? explainSilence(deployment) : describeError(reason));
  }
  return exitCodeOf(reason);
}

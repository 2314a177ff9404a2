import { createInterface } from 'node:readline/promises';
import type { Client } from '../client/index.ts';
import { clientOptions, type Deployment, type DeploymentOptions, findDeployment } from './deployment.ts';
import { COMMAND } from './names.ts';
import { createProgressDisplay, type ProgressDisplay } from './progress-display.ts';
import { plainLines, toJson } from './text.ts';

/** The options that every command takes. */
export interface GlobalOptions extends DeploymentOptions {
  readonly json?: true;
}

/** What a command has to do its work. */
export interface Cli {
  /** Results go to standard output as JSON alone. */
  readonly isJson: boolean;
  readonly options: GlobalOptions;
  readonly version: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** On standard error. */
  readonly progress: ProgressDisplay;
  /** The width of the terminal, if results go to one. */
  readonly width: number | undefined;
  /** The deployment that the options name, looked for once. */
  deployment(): Promise<Deployment>;
  /** A client of it. */
  client(): Promise<Client>;
  /** Writes results to standard output. Removes what could steer a terminal. */
  print(text: string): void;
  /** Writes one JSON document, or with `isLine` one line of many. */
  printJson(value: unknown, options?: { readonly isLine?: boolean }): void;
  /** Writes a line to standard error. */
  note(text: string): void;
  /** Asks on the terminal. @returns `undefined` if there is none to ask on. */
  confirm(question: string): Promise<boolean | undefined>;
  /** Says how to go on if Ctrl-C comes from here on. */
  onInterrupt(advice: string | undefined): void;
  /** The line that calls a command of this program against the same deployment. */
  commandLine(...args: readonly string[]): string;
}

export interface CliOptions {
  readonly options: () => GlobalOptions;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
}

export type RunningCli = Cli & {
  /** What to say after Ctrl-C. */
  readonly advice: string | undefined;
};

export function createCli({ options, version, signal, stdout, stderr, stdin }: CliOptions): RunningCli {
  let display: ProgressDisplay | undefined;
  let deployment: Promise<Deployment> | undefined;
  let client: Promise<Client> | undefined;
  let advice: string | undefined;
  const progress = () => {
    display ??= createProgressDisplay(stderr);
    return display;
  };
  const cli: RunningCli = {
    get isJson() {
      return options().json === true;
    },
    get options() {
      return options();
    },
    get progress() {
      return progress();
    },
    get advice() {
      return advice;
    },
    version,
    signal,
    width: stdout.isTTY ? stdout.columns : undefined,
    deployment: () => {
      deployment ??= findDeployment(options(), signal);
      return deployment;
    },
    client: () => {
      client ??= Promise.all([import('../client/index.ts'), cli.deployment()]).then(
        ([{ createClient }, found]) => createClient(clientOptions(found)),
      );
      return client;
    },
    print: (text) => {
      display?.end();
      stdout.write(`${plainLines(text)}\n`);
    },
    printJson: (value, { isLine = false } = {}) => {
      display?.end();
      stdout.write(`${toJson(value, isLine ? undefined : 2)}\n`);
    },
    note: (text) => progress().line(plainLines(text)),
    confirm: async (question) => {
      if (!stdin.isTTY || !stderr.isTTY) return undefined;
      display?.end();
      const lines = createInterface({ input: stdin, output: stderr });
      // In raw mode, Ctrl-C reaches the reader rather than the process.
      lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      try {
        const answer = await lines.question(`${plainLines(question)} [y/N] `, { signal });
        return /^\s*y(?:es)?\s*$/i.test(answer);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        lines.close();
      }
    },
    onInterrupt: (text) => {
      advice = text;
    },
    commandLine: (...args) => {
      const { stack, region, profile, apiOutput, data } = options();
      const flags = {
        '--stack': stack,
        '--region': region,
        '--profile': profile,
        '--api-output': apiOutput,
        '--data': data,
      };
      const given = Object.entries(flags).flatMap(([flag, value]) =>
        value === undefined ? [] : [flag, value],
      );
      return [COMMAND, ...[...given, ...args].map(quote)].join(' ');
    },
  };
  return cli;
}

/** Quotes an argument for a shell, if it needs that. */
const quote = (arg: string): string =>
  /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;

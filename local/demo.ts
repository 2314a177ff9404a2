import { parseArgs } from 'node:util';
import { createProgressDisplay } from '../cli/progress-display.ts';
import { summaryOf } from './demo/record-summary.ts';
import { runDemo } from './demo/run-demo.ts';
import { describeError, exitCodeOf, exitSoon } from './exit.ts';
import { SetupError } from './setup-error.ts';
import { stopSignal } from './stop-signal.ts';
import { readWiroAccess } from './wiro-access.ts';

const USAGE = `npm run demo [-- --json] [-- --logs]
  --json  prints only the final record, as JSON, to standard output; progress goes to standard error
  --logs  prints the functions' logs to standard error`;

interface Flags {
  readonly json: boolean;
  readonly logs: boolean;
  readonly help: boolean;
}

function readFlags(): Flags {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { json: flag, logs: flag, help: flag } }).values;
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('.')[0]}: see npm run demo -- --help`);
  }
}

async function main(): Promise<void> {
  const { json, logs, help } = readFlags();
  if (help) {
    console.log(USAGE);
    return;
  }
  const wiro = readWiroAccess(process.env);
  const display = createProgressDisplay(json ? process.stderr : process.stdout);
  try {
    const result = await runDemo({ ...(wiro && { wiro }), display, showLogs: logs, signal: stopSignal() });
    display.end();
    const { id, status, error } = result.record;
    if (json) console.log(JSON.stringify(result.record, undefined, 2));
    if (status !== 'succeeded')
      throw new SetupError(`Generation ${id} ended as "${status}"${error ? `: ${error.message}` : ''}`);
    if (!json) console.log(summaryOf(result));
  } finally {
    display.end();
  }
}

// The reader of our output may exit first: `npm run demo | head -1`.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

main().then(
  () => exitSoon(0),
  (error: unknown) => {
    console.error(describeError(error));
    exitSoon(exitCodeOf(error));
  },
);

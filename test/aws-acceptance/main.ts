import { randomBytes } from 'node:crypto';
import { describeError, exitCodeOf, exitSoon } from '../../local/exit.ts';
import { stopSignal } from '../../local/stop-signal.ts';
import { accept } from './accept.ts';
import { openAccount } from './account.ts';
import { readOptions, USAGE } from './options.ts';
import { tableOf } from './table.ts';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env, () => randomBytes(3).toString('hex'));
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const account = await openAccount(options.endpoint);
  const say = (line: string) => console.error(line);
  const signal = stopSignal();
  signal.addEventListener('abort', () => say('Stopping: everything is removed first, which takes a while.'));
  try {
    say(`AWS: ${options.endpoint ?? 'the account of these credentials'}, region ${account.region}`);
    const rows = await accept({ account, options, say, signal });
    console.log(`\n${tableOf(rows)}`);
    signal.throwIfAborted();
    return rows.some(({ result }) => result === 'failed') ? 1 : 0;
  } finally {
    account.close();
  }
}

main().then(exitSoon, (error: unknown) => {
  console.error(describeError(error));
  exitSoon(exitCodeOf(error));
});

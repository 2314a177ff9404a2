import { parseArgs } from 'node:util';
import { DEFAULT_KEY, DEFAULT_SECRET, type SimulatorOptions } from './settings.ts';
import { startSimulator } from './simulator.ts';

const USAGE = `npm run wiro:simulator -- [options]
  --port N              port to listen on (default 8787; 0 for any free one)
  --host HOST           address to listen on (default 127.0.0.1)
  --api-key KEY         the project's key (default ${DEFAULT_KEY})
  --api-secret SECRET   the project's secret (default ${DEFAULT_SECRET})
  --key-only            a project whose requests are not signed
  --task-duration MS    from a task's acceptance to its end (default 4000)
  --workers N           tasks processed side by side (default 8)
  --balance USD         the account's balance (default 100)
  --concurrency N       tasks that may be active (default: by the balance, as Wiro does)
  --outputs MODE        composed or tiny (default composed)`;

/** A wrong command line, with the sentence to show. */
class UsageError extends Error {}

async function main(): Promise<void> {
  const options = readOptions();
  const simulator = await startSimulator(options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new UsageError(
        `Port ${options.port} is taken: stop what listens there, or choose another with --port.`,
      );
    if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EACCES')
      throw new UsageError(`Cannot listen on ${options.host} port ${options.port}: ${error.code}.`);
    throw error;
  });
  // Before it says that it is there: whoever reads that may stop it at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void simulator.stop().then(() => process.exit(0)));
  console.log(`Wiro simulator
  API      ${simulator.apiUrl}
  socket   ${simulator.socketUrl}
  files    ${simulator.cdnUrl}
  control  ${simulator.url}/simulator/state
  key      ${simulator.apiKey}${simulator.apiSecret === undefined ? ' (key only)' : `, secret ${simulator.apiSecret}`}
Ctrl-C stops it.`);
}

function readOptions(): SimulatorOptions & { readonly port: number; readonly host: string } {
  const values = readArguments();
  const options = {
    port: wholeNumber('port', values.port, 65_535),
    host: values.host,
    apiKey: values['api-key'],
    apiSecret: values['api-secret'],
    keyOnly: values['key-only'],
    taskDurationMs: wholeNumber('task-duration', values['task-duration']),
    workers: wholeNumber('workers', values.workers),
    balanceUsd: amount('balance', values.balance),
  };
  const { outputs, concurrency } = values;
  if (outputs !== 'composed' && outputs !== 'tiny')
    throw new UsageError(`--outputs must be composed or tiny, not "${outputs}".`);
  return {
    ...options,
    outputs,
    ...(concurrency === undefined ? {} : { concurrencyLimit: wholeNumber('concurrency', concurrency) }),
  };
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8787' },
        host: { type: 'string', default: '127.0.0.1' },
        'api-key': { type: 'string', default: DEFAULT_KEY },
        'api-secret': { type: 'string', default: DEFAULT_SECRET },
        'key-only': { type: 'boolean', default: false },
        'task-duration': { type: 'string', default: '4000' },
        workers: { type: 'string', default: '8' },
        balance: { type: 'string', default: '100' },
        concurrency: { type: 'string' },
        outputs: { type: 'string', default: 'composed' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (!values.help) return values;
  } catch (error) {
    const [sentence = ''] = String((error as Error).message).split('. ');
    throw new UsageError(`${sentence.replace(/\.?$/, '.')} Try --help.`);
  }
  console.log(USAGE);
  process.exit(0);
}

function wholeNumber(name: string, text: string, max = Number.MAX_SAFE_INTEGER): number {
  const number = amount(name, text);
  if (!Number.isInteger(number) || number > max)
    throw new UsageError(
      `--${name} must be a whole number${max < Number.MAX_SAFE_INTEGER ? ` up to ${max}` : ''}, not "${text}".`,
    );
  return number;
}

function amount(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0))
    throw new UsageError(`--${name} must be a number from 0, not "${text}".`);
  return number;
}

main().catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exit(1);
});

#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DEFAULT_KEY, DEFAULT_SECRET, type SimulatorOptions } from './settings.ts';
import { startSimulator } from './simulator.ts';

/** Defined by the package's build. */
declare const PACKAGED: true | undefined;
const IS_PACKAGED = typeof PACKAGED !== 'undefined';

const USAGE = `${IS_PACKAGED ? 'npx wiro-simulator' : 'npm run wiro:simulator --'} [options]
  --port N              port to listen on (default 8787; 0 selects any free port)
  --host HOST           address to listen on (default 127.0.0.1)
  --api-key KEY         the project's key (default ${DEFAULT_KEY})
  --api-secret SECRET   the project's secret (default ${DEFAULT_SECRET})
  --key-only            simulates a project without a secret; requests are not signed
  --task-duration MS    time from a task's acceptance to its end (default 4000)
  --workers N           number of tasks that run at the same time (default 8)
  --balance USD         the account's balance (default 100)
  --concurrency N       maximum number of active tasks (default: Wiro's rule, by balance)
  --outputs MODE        composed or tiny (default composed: with the inputs in them, or a card without sharp)
  --json                prints one line of JSON: url, apiUrl, socketUrl, cdnUrl, apiKey, apiSecret
  --version             prints the version
It charges nothing and keeps nothing. Faults: POST to /simulator/faults, see docs/simulator.md.`;

/** A wrong command line. The command prints only the message. */
class UsageError extends Error {}

async function main(): Promise<void> {
  const { json, ...options } = readOptions();
  const simulator = await startSimulator(options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new UsageError(
        `Port ${options.port} is in use: stop the process that listens on it, or choose another port with --port.`,
      );
    if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EACCES')
      throw new UsageError(
        `Cannot listen on ${options.host} port ${options.port} (${error.code}): choose others with --host and --port.`,
      );
    throw error;
  });
  // Registered before the output below, because its reader may stop this process immediately.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void simulator.stop().then(() => process.exit(0)));
  if (json) {
    const { url, apiUrl, socketUrl, cdnUrl, apiKey, apiSecret } = simulator;
    return console.log(JSON.stringify({ url, apiUrl, socketUrl, cdnUrl, apiKey, apiSecret }));
  }
  console.log(`Wiro simulator
  API      ${simulator.apiUrl}
  socket   ${simulator.socketUrl}
  files    ${simulator.cdnUrl}
  control  ${simulator.url}/simulator/state
  key      ${simulator.apiKey}${simulator.apiSecret === undefined ? ' (key only)' : `, secret ${simulator.apiSecret}`}
Press Ctrl-C to stop.`);
}

interface Options extends SimulatorOptions {
  readonly port: number;
  readonly host: string;
  readonly json: boolean;
}

function readOptions(): Options {
  const values = readArguments();
  const options = {
    json: values.json,
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
    throw new UsageError(`--outputs is "${outputs}": use composed or tiny.`);
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
        json: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (!values.help && !values.version) return values;
    console.log(values.help ? USAGE : readVersion());
  } catch (error) {
    const [sentence = ''] = String((error as Error).message).split('. ');
    throw new UsageError(`${sentence.replace(/\.?$/, '.')} Try --help.`);
  }
  process.exit(0);
}

/** The manifest is above the folder of the bundle, or above `local/`. */
function readVersion(): string {
  const manifest = new URL(IS_PACKAGED ? '../package.json' : '../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}

function wholeNumber(name: string, text: string, max = Number.MAX_SAFE_INTEGER): number {
  const number = amount(name, text);
  if (!Number.isInteger(number) || number > max)
    throw new UsageError(
      `--${name} is "${text}": use a whole number${max < Number.MAX_SAFE_INTEGER ? ` up to ${max}` : ''}.`,
    );
  return number;
}

function amount(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0))
    throw new UsageError(`--${name} is "${text}": use a number of 0 or more.`);
  return number;
}

main().catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exit(1);
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Presets } from '../functions/request/preset.ts';
import { checkPresets } from '../infra/checks/check-presets.ts';
import { describePorts, LAST_FIRST_PORT, type Ports, portsFrom } from './ports.ts';
import { SetupError } from './setup-error.ts';

export interface StartFlags {
  readonly dataDir: string;
  readonly presets?: Presets;
  readonly ports?: Ports;
}

export const USAGE = `npm start [-- --data <directory>] [--preset <file>]… [--port <number>]
  --data    the directory for data, endpoints.json and events.jsonl (default: .local/)
  --preset  a JSON file with presets by name, for example examples/presets.json: files that are put under
            uploads/<name>/ become generations. May be repeated
  --port    the first of ten ports, which stay the same across restarts (default: any free ports):
            ${describePorts()}`;

/**
 * Reads the command line of `npm start`.
 * @returns `undefined` if it asks for help.
 * @throws {SetupError}
 */
export function readStartFlags(args: readonly string[], defaultDataDir: string): StartFlags | undefined {
  const { data, preset: files, port, help } = parse(args);
  if (help) return undefined;
  return {
    dataDir: path.resolve(data ?? defaultDataDir),
    ...(port !== undefined && { ports: portsFrom(readPort(port)) }),
    ...(files && { presets: Object.assign({}, ...files.map(readPresets)) as Presets }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        preset: { type: 'string', multiple: true },
        port: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('.')[0]}: see npm start -- --help`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > LAST_FIRST_PORT)
    throw new SetupError(`--port is "${text}": use a whole number from 1 to ${LAST_FIRST_PORT}.`);
  return port;
}

/** Reads presets, and refuses what a deployment would refuse. */
function readPresets(file: string): Presets {
  try {
    return checkPresets(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'it does not exist.' : message;
    throw new SetupError(`The presets in ${file} cannot be used: ${reason}`, { cause });
  }
}

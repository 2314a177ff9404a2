import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeError, exitSoon } from '../local/exit.ts';
import { SetupError } from '../local/setup-error.ts';
import { stopSignal } from '../local/stop-signal.ts';
import { buildPage } from './build-page.ts';
import { type LocalEndpoints, localDeployment } from './server/local-deployment.ts';
import { startConsole } from './server/server.ts';

const ENDPOINTS = path.resolve(import.meta.dirname, '..', '.local', 'endpoints.json');
const USAGE = `npm run console [-- --endpoints <file>] [-- --port <number>]
  --endpoints  the file that npm start writes (default: .local/endpoints.json)
  --port       the console's port (default: any free one)`;

function readFlags() {
  try {
    return parseArgs({
      options: {
        endpoints: { type: 'string', default: ENDPOINTS },
        port: { type: 'string', default: '0' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split('.')[0]}: see npm run console -- --help`);
  }
}

async function readEndpoints(file: string): Promise<LocalEndpoints> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new SetupError(
      `Cannot read ${path.relative('', file)}: run npm start first, in another terminal, which also prints a link to the console.`,
      { cause },
    );
  }
}

async function main(stopping: AbortSignal): Promise<void> {
  const { endpoints, port, help } = readFlags();
  if (help) return console.log(USAGE);
  const deployment = localDeployment(await readEndpoints(path.resolve(endpoints)));
  const { html } = await buildPage();
  const { link, stop } = await startConsole({ deployment, html, port: Number(port) });
  console.log(`Console of ${deployment.name}: ${link}\nPress Ctrl-C to stop.`);
  if (!stopping.aborted) await once(stopping, 'abort');
  await stop();
}

const stopping = stopSignal();

main(stopping).then(
  () => exitSoon(0),
  (error: unknown) => {
    console.error(describeError(error));
    exitSoon(1);
  },
);

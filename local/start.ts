import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createClient } from '../client/index.ts';
import { buildPage } from '../console/build-page.ts';
import { localDeployment } from '../console/server/local-deployment.ts';
import { type Console, startConsole } from '../console/server/server.ts';
import { type McpHttp, startMcpHttp } from '../mcp/http.ts';
import { LOCAL_CREDENTIALS } from './aws/credentials.ts';
import type { BusEvent } from './aws/events.ts';
import { describeEvent, describeLog } from './describe-log.ts';
import { type Endpoints, type Environment, startEnvironment } from './environment.ts';
import { openEventLog } from './event-log.ts';
import { describeError, exitSoon } from './exit.ts';
import { greetingOf } from './greeting.ts';
import { startOn } from './ports.ts';
import { reportUnreachable } from './reachable.ts';
import { SetupError } from './setup-error.ts';
import { readStartFlags, type StartFlags, USAGE } from './start-flags.ts';
import { stopSignal } from './stop-signal.ts';
import { type DataWatch, findLackOfRoom, isHeld, watchData } from './watch-data.ts';
import { readWiroAccess, type WiroAccess } from './wiro-access.ts';

const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };
const DATA_DIR = path.resolve(import.meta.dirname, '..', '.local');

async function main(stopping: AbortSignal): Promise<void> {
  const flags = readStartFlags(process.argv.slice(2), DATA_DIR);
  if (flags === undefined) return console.log(USAGE);
  const { dataDir } = flags;
  const wiro = readWiroAccess(process.env);
  await mkdir(dataDir, { recursive: true });
  const lack = findLackOfRoom(dataDir);
  if (lack !== undefined) throw new SetupError(lack);
  const building = buildPage();
  // A fault of it is reported where it is awaited.
  building.catch(() => {});
  const broken = new AbortController();
  let watch: DataWatch | undefined;
  const print = (line: string) => {
    // Lines about data that are gone would hide the one that says so.
    if (watch?.isSound() ?? true) console.log(line);
  };
  const eventsFile = path.join(dataDir, 'events.jsonl');
  const environment = await startEnvironment({
    ...flags,
    ...(wiro && { wiro }),
    // A real Wiro cannot call back to this machine, so look at tasks sooner and more often than a deployment does.
    ...(wiro && { durations: { look: 5_000, lookMax: 60_000 } }),
    scheduleMs: 5_000,
    onLog: (log) => print(describeLog(log)),
    onEvent: printAndKeep(eventsFile, print),
    signal: stopping,
  });
  watch = watchData(dataDir, (sentence) => broken.abort(new SetupError(sentence)));
  const stopped = AbortSignal.any([stopping, broken.signal]);
  try {
    await serve(environment, { ...flags, wiro, html: building, eventsFile, stopped });
    if (broken.signal.aborted) throw broken.signal.reason;
  } finally {
    watch.stop();
    await environment.stop().catch((error: unknown) => {
      // Data that are gone cannot be closed.
      if (!broken.signal.aborted) throw error;
    });
  }
}

interface ServeOptions extends Pick<StartFlags, 'dataDir' | 'presets' | 'ports'> {
  readonly wiro: WiroAccess | undefined;
  readonly html: ReturnType<typeof buildPage>;
  readonly eventsFile: string;
  readonly stopped: AbortSignal;
}

/** Adds the console and MCP, says where everything is, and waits for the end. */
async function serve(environment: Environment, options: ServeOptions): Promise<void> {
  const { dataDir, ports, wiro, stopped, presets = {}, eventsFile } = options;
  const endpointsFile = path.join(dataDir, 'endpoints.json');
  const endpoints = asDeployed(environment.endpoints);
  let page: Console | undefined;
  let mcp: McpHttp | undefined;
  try {
    const { html } = await options.html;
    const deployment = localDeployment({ ...environment.endpoints, credentials: LOCAL_CREDENTIALS });
    page = await startOn(ports, 'console', (port) => startConsole({ deployment, html, port }));
    const client = createClient({ url: environment.endpoints.api });
    mcp = await startOn(ports, 'mcp', (port) => startMcpHttp({ client, version: VERSION }, { port }));
    await writeEndpoints(endpointsFile, endpoints);
    const links = { console: page.link, mcp: mcp.url };
    console.log(
      greetingOf({ endpoints, links, isReal: wiro !== undefined, presets, endpointsFile, eventsFile }),
    );
    if (wiro) await reportUnreachable(wiro.apiUrl, console.log);
    if (!stopped.aborted) await once(stopped, 'abort');
  } finally {
    // After a deletion, they may be another environment's.
    if (isHeld(dataDir)) await rm(endpointsFile, { force: true });
    await page?.stop();
    await mcp?.stop();
  }
}

/** Prints each event, and keeps it until a write fails. */
function printAndKeep(file: string, print: (line: string) => void): (event: BusEvent) => void {
  let keep: ((event: BusEvent) => void) | undefined = openEventLog(file);
  return (event) => {
    print(describeEvent(event, new Date()));
    try {
      keep?.(event);
    } catch (error) {
      keep = undefined;
      print(`Events are not kept any more: ${describeError(error)}`);
    }
  };
}

/** The API's URL ends with a slash, as that of a stack, so that the same commands work for both. */
const asDeployed = (endpoints: Endpoints): Endpoints => ({ ...endpoints, api: `${endpoints.api}/` });

/** Writes what a user needs, and nothing that only functions need. Atomically: another process may be waiting for it. */
async function writeEndpoints(file: string, endpoints: Endpoints): Promise<void> {
  const { api, callback, s3, dynamodb, events, wiro, region } = endpoints;
  const { inputBucket, outputBucket, table, eventBus } = endpoints;
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS;
  const content = {
    ...{ api, callback, s3, dynamodb, events, wiro, region },
    ...{ inputBucket, outputBucket, table, eventBus },
    // The SDK notes in the credentials that it is given where they come from.
    credentials: { accessKeyId, secretAccessKey },
  };
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(content, undefined, 2)}\n`);
  await rename(temporary, file);
}

const stopping = stopSignal();

main(stopping).then(
  () => exitSoon(0),
  (error: unknown) => {
    // An error after Ctrl-C is a consequence of it.
    if (stopping.aborted) return exitSoon(0);
    console.error(describeError(error));
    exitSoon(1);
  },
);

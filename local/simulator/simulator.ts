import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { makeTemporaryDirectory } from '../temporary.ts';
import { createApi } from './api.ts';
import { serveApi } from './api-routes.ts';
import { openArchive } from './archive.ts';
import { type CallbackDelivery, createCallbacks } from './callbacks.ts';
import { createCdn } from './cdn.ts';
import { createClock } from './clock.ts';
import { serveControl } from './control.ts';
import type { FaultRule } from './fault-rules.ts';
import { createFaults, type FaultUse } from './faults.ts';
import { createFileStore } from './files.ts';
import { sendText } from './http-answers.ts';
import { fetchInput } from './inputs.ts';
import { createLifecycle } from './lifecycle.ts';
import { makeOutputs } from './outputs.ts';
import { changeSettings, readSettings, type SettingsChange, type SimulatorOptions } from './settings.ts';
import { createSocketHub } from './socket.ts';
import {
  type ConnectionState,
  describeSettings,
  describeTaskState,
  describeUpload,
  type SimulatorState,
  type TaskState,
  type UploadState,
} from './state.ts';
import { createTaskStore, isOver } from './tasks.ts';

/** A running simulator. */
export interface Simulator {
  /** The base URL, for example `http://127.0.0.1:4321`, also of `/simulator/*`. */
  readonly url: string;
  readonly apiUrl: string;
  readonly socketUrl: string;
  readonly cdnUrl: string;
  /** `host:port` of the files' URLs. */
  readonly outputHost: string;
  readonly apiKey: string;
  /** `undefined` for a key-only project. */
  readonly apiSecret: string | undefined;
  /** Fault rules; also `POST /simulator/faults`. */
  readonly faults: {
    /** @returns The rules' ids. */
    add(...rules: readonly FaultRule[]): string[];
    /** Removes these rules, or all. */
    clear(...ids: readonly string[]): void;
    list(): FaultUse[];
  };
  set(change: SettingsChange): void;
  /** All tasks since the start, oldest first. */
  tasks(): TaskState[];
  uploads(): UploadState[];
  /** Removes all uploads, as Wiro does after some time; also `POST /simulator/expire-uploads`. */
  expireUploads(): Promise<void>;
  callbacks(): readonly CallbackDelivery[];
  chargedUsd(): number;
  connections(): ConnectionState;
  requests(): Readonly<Record<string, number>>;
  state(): SimulatorState;
  stop(): Promise<void>;
}

/**
 * Starts a simulated Wiro on this machine. One port serves its API, socket and files.
 * @throws If the port is in use (`EADDRINUSE`).
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = readSettings(options);
  const server = createServer();
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  // Clients cannot call 0.0.0.0. A server that listens there is also reachable on the loopback interface.
  const outputHost = `${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
  const url = `http://${outputHost}`;
  const directory = await makeTemporaryDirectory('wiro-simulator', options.dataDir);

  const stopping = new AbortController();
  const stopped = stopping.signal;
  const clock = createClock(options.durationDivisor ?? 1);
  const faults = createFaults(options.faultPlan);
  const archive = options.archiveDir === undefined ? undefined : openArchive(options.archiveDir);
  const files = createFileStore(url, clock.now, archive);
  const tasks = createTaskStore(clock.now, archive && { archive, files });
  const socket = createSocketHub({ tasks, faults });
  const callbacks = createCallbacks({ clock, faults, fetch, stopped });
  const lifecycle = createLifecycle({
    settings,
    clock,
    tasks,
    callbacks,
    socket,
    fetchInput: (inputUrl) => fetchInput({ files, fetch, directory, stopped }, inputUrl),
    makeOutputs: (task, inputs) => makeOutputs({ settings, files, directory, stopped }, task, inputs),
  });
  // What an earlier simulator had not finished starts again.
  for (const task of tasks.all()) if (!isOver(task)) lifecycle.begin(task);
  const api = createApi({ settings, clock, faults, files, tasks, lifecycle, callbacks });
  const serveCdn = createCdn({ clock, faults, files });

  const requests: Record<string, number> = {};
  const count = (operation: string) => {
    requests[operation] = (requests[operation] ?? 0) + 1;
  };
  const open = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (connection) => {
    accepted += 1;
    open.add(connection);
    connection.once('close', () => open.delete(connection));
  });

  const connections = (): ConnectionState => ({
    accepted,
    open: open.size,
    webSockets: socket.connections(),
  });
  const state = (): SimulatorState => ({
    settings: describeSettings(settings),
    tasks: tasks.all().map(describeTaskState),
    uploads: files.uploads().map(describeUpload),
    callbacks: callbacks.deliveries(),
    chargedUsd: lifecycle.chargedUsd(),
    connections: connections(),
    requests,
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = new URL(request.url ?? '/', url);
    const { pathname } = target;
    if (pathname.startsWith('/simulator/'))
      return serveControl(
        { settings, faults, state, expireUploads: files.expireUploads },
        target,
        request,
        response,
      );
    if (pathname.startsWith('/cdn/') || (pathname.startsWith('/v1/File/') && request.method !== 'POST')) {
      count('cdn');
      return serveCdn(target, request, response);
    }
    if (!pathname.startsWith('/v1/')) return sendText(response, 'Not found', 404);
    return serveApi(
      { api, settings, faults, tasks, clock, files, directory, count },
      pathname.slice('/v1/'.length),
      request,
      response,
    );
  }

  server.on('request', (request, response) => {
    serve(request, response).catch((error: unknown) => {
      // The client disconnected during its request.
      if (request.destroyed && !request.complete) return;
      if (response.headersSent) response.destroy();
      else sendText(response, `The simulator failed: ${error}`, 500);
    });
  });
  server.on('upgrade', (request, connection, head) => {
    if (SOCKET_PATHS.includes(new URL(request.url ?? '/', url).pathname))
      socket.upgrade(request, connection, head);
    else connection.destroy();
  });

  return {
    url,
    apiUrl: `${url}/v1`,
    socketUrl: `ws://${outputHost}/socket/v1`,
    cdnUrl: `${url}/cdn`,
    outputHost,
    apiKey: settings.apiKey,
    apiSecret: settings.apiSecret,
    faults: { add: faults.add, clear: faults.clear, list: faults.list },
    set: (change) => changeSettings(settings, change),
    tasks: () => tasks.all().map(describeTaskState),
    uploads: () => files.uploads().map(describeUpload),
    expireUploads: files.expireUploads,
    callbacks: callbacks.deliveries,
    chargedUsd: lifecycle.chargedUsd,
    connections,
    requests: () => ({ ...requests }),
    state,
    stop: async () => {
      stopping.abort();
      clock.stop();
      socket.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      for (const connection of open) connection.destroy();
      await closed;
      // An asynchronous removal would wait behind all images that are still being composed.
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 20 });
    },
  };
}

const SOCKET_PATHS = ['/socket/v1', '/v1'];

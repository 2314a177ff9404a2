import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { S3Event } from 'aws-lambda';
import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import type { Presets } from '../functions/request/preset.ts';
import { METRIC_NAMESPACE } from '../functions/runtime/metrics.ts';
import type { DueShards, Durations, InputHandover } from '../functions/settings.ts';
import { bundleFunctions } from '../infra/build/bundle-functions.ts';
import { LOCAL_REGION } from './aws/credentials.ts';
import { startDynamoDb } from './aws/dynamodb.ts';
import { type BusEvent, startEvents } from './aws/events.ts';
import { startFunctionUrl } from './aws/function-url.ts';
import { startLambdaEndpoint } from './aws/lambda-endpoint.ts';
import { startLambdaHost } from './aws/lambda-host.ts';
import type { FunctionLog, InvocationReport } from './aws/lambda-types.ts';
import type { LocalService } from './aws/local-service.ts';
import { startS3 } from './aws/s3.ts';
import { createSchedule, type Schedule } from './aws/schedule.ts';
import { startSecretsManager } from './aws/secrets-manager.ts';
import { startSsm } from './aws/ssm.ts';
import { type Cleanup, createCleanup } from './cleanup.ts';
import { lockDirectory } from './directory-lock.ts';
import { functionEnvironment } from './function-environment.ts';
import { type Ports, type Service, startOn } from './ports.ts';
import { provision } from './provision.ts';
import type { Simulator } from './simulator/simulator.ts';
import { startWiro, type WiroOptions } from './start-wiro.ts';
import { makeWorkDirectory } from './work-directory.ts';

export interface EnvironmentOptions extends WiroOptions {
  /** The directory that keeps objects, records and parameters across restarts. @default - nothing is kept */
  readonly dataDir?: string;
  /** The functions' code by name. @default - bundles the functions */
  readonly bundles?: Readonly<Record<FunctionName, FunctionBundle>>;
  /** Divides every duration: of the functions, the schedule, Lambda's retries and the simulator. @default 1 */
  readonly durationDivisor?: number;
  /** In milliseconds, not divided. */
  readonly durations?: Partial<Durations>;
  /** The presets for files under `uploads/<name>/`. @default - none */
  readonly presets?: Presets;
  /** The location of the credentials. A secret is not kept across restarts. @default 'parameters' */
  readonly credentials?: 'parameters' | 'secret';
  /** @default - no limit */
  readonly maximumGenerationsPerDay?: number;
  /** How inputs get to Wiro. @default 'auto' */
  readonly inputHandover?: InputHandover;
  /** Whether the functions write metrics to their logs, as in AWS. @default false */
  readonly metrics?: boolean;
  /** The interval of functions that run every minute. @default - a minute, divided */
  readonly scheduleMs?: number;
  /** Whether the schedule is on from the start. @default true */
  readonly schedule?: boolean;
  /** The maximum number of concurrent environments of each function. @default 10 */
  readonly maximumEnvironments?: number;
  /** The limit of concurrent invocations of all functions. Invocations above it are throttled. @default - no limit */
  readonly accountConcurrency?: number;
  /** The parts of `accountConcurrency` that are reserved for functions. @default - none */
  readonly reservedConcurrency?: Partial<Readonly<Record<FunctionName, number>>>;
  /** The limit of generations whose outputs are copied at the same time. @default - no limit */
  readonly maximumCollects?: number;
  /** How many shards of the index of due generations to write to. @default 1 */
  readonly dueShards?: DueShards;
  /** Timeouts that replace those in `functions/functions.ts`. */
  readonly timeoutSeconds?: Partial<Readonly<Record<FunctionName, number>>>;
  /**
   * Replaces environment variables of one function, for example to put a proxy between it and a service. Called at
   * every deployment of a function with its environment.
   */
  readonly endpointOverrides?: (
    name: FunctionName,
    environment: Readonly<Record<string, string>>,
  ) => Record<string, string> | Promise<Record<string, string>>;
  readonly onLog?: (log: FunctionLog) => void;
  readonly onReport?: (report: InvocationReport) => void;
  /** Called for each event on the bus, before the functions that it starts. */
  readonly onEvent?: (event: BusEvent) => void;
  /** @default - any free ports */
  readonly ports?: Ports;
  /** Aborts the start, and stops the services that have started. */
  readonly signal?: AbortSignal;
}

export interface FunctionBundle {
  readonly directory: string;
  readonly handler: string;
}

/** The addresses and names of an environment's services. URLs have no trailing slash. */
export interface Endpoints {
  readonly api: string;
  readonly callback: string;
  readonly s3: string;
  readonly dynamodb: string;
  readonly ssm: string;
  /** Only set if the credentials are in a secret. */
  readonly secret?: { readonly endpoint: string; readonly arn: string };
  readonly lambda: string;
  readonly events: string;
  /** The base URL of Wiro's API, which ends in `/v1`. */
  readonly wiro: string;
  readonly region: string;
  readonly inputBucket: string;
  readonly outputBucket: string;
  readonly table: string;
  readonly eventBus: string;
  readonly parameterPath: string;
  /** Lambda's names of the functions. */
  readonly functions: Readonly<Record<FunctionName, string>>;
}

export interface Environment {
  readonly endpoints: Endpoints;
  /** Missing if the environment uses another Wiro. */
  readonly simulator?: Simulator;
  readonly schedule: Schedule;
  /** Events put on the bus, oldest first. */
  events(): readonly BusEvent[];
  /** The latest 20,000 lines of the functions' logs, oldest first. */
  logs(): readonly FunctionLog[];
  /** Reports of the latest 20,000 ended invocations. */
  reports(): readonly InvocationReport[];
  /** Invokes a function and waits for its result. @throws {FunctionError} If it fails. */
  invoke(name: FunctionName, event: unknown): Promise<unknown>;
  /** Queues an asynchronous invocation. */
  invokeLater(name: FunctionName, event: unknown): void;
  /** Replaces the functions' code for execution environments that start later. Running ones keep their code. */
  deploy(code: Readonly<Record<FunctionName, FunctionBundle>>): Promise<void>;
  /** Ends execution environments with replaced code after their current invocation, like Lambda after an update. */
  retire(): void;
  /** Resolves once no invocation is running, waiting or about to be repeated. */
  idle(): Promise<void>;
  /** The ids of the functions' running processes. */
  pids(): readonly number[];
  /** Stops everything immediately. Work in progress is interrupted as in a crash. */
  stop(): Promise<void>;
}

/** An invoked function failed. `payload` is Lambda's description of the error. */
export class FunctionError extends Error {
  override name = 'FunctionError';
  readonly payload: string;

  constructor(functionName: string, payload: string) {
    super(`${functionName} failed: ${payload}`);
    this.payload = payload;
  }
}

const DEPLOYMENT = 'local';
const NAMES = {
  inputBucket: 'wiro-local-inputs',
  outputBucket: 'wiro-local-outputs',
  table: 'wiro-local-generations',
  eventBus: 'wiro-local',
  parameterPath: '/wiro/local',
} as const;
const FUNCTION_NAMES = Object.keys(FUNCTIONS) as FunctionName[];
const KEPT_ENTRIES = 20_000;
const MINUTE_MS = 60_000;

const awsNameOf = (name: FunctionName) => `wiro-${DEPLOYMENT}-${name}`;

/**
 * Starts the whole system on this machine: the deployed bundles as Lambda-like processes, and the AWS services that
 * they need, on the loopback interface.
 * @throws {SetupError} If another process uses `dataDir` or a port.
 */
export async function startEnvironment(options: EnvironmentOptions = {}): Promise<Environment> {
  const cleanup = createCleanup();
  try {
    return await start(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function start(options: EnvironmentOptions, cleanup: Cleanup): Promise<Environment> {
  const { dataDir, durationDivisor = 1, durations = {}, signal, ports } = options;
  const region = LOCAL_REGION;
  const events: BusEvent[] = [];
  const logs: FunctionLog[] = [];
  const reports: InvocationReport[] = [];

  /** Waits for a service and registers its stop, even if another service has failed in the meantime. */
  async function add<S extends { stop(): Promise<void> }>(starting: Promise<S>): Promise<S> {
    const service = await starting;
    cleanup.add(() => service.stop());
    return service;
  }

  const addOn = <S extends LocalService>(name: Service, begin: (port: number) => Promise<S>) =>
    add(startOn(ports, name, begin));

  if (dataDir !== undefined) cleanup.add(await lockDirectory(dataDir));
  const workDir = dataDir ?? (await makeWorkDirectory(cleanup));
  const host = await add(
    startLambdaHost({
      region,
      retryDelaysMs: [MINUTE_MS / durationDivisor, (2 * MINUTE_MS) / durationDivisor],
      throttledDelaysMs: { first: 1_000 / durationDivisor, longest: (5 * MINUTE_MS) / durationDivisor },
      ...(options.accountConcurrency && { accountConcurrency: options.accountConcurrency }),
      ...(options.maximumEnvironments && { maximumEnvironments: options.maximumEnvironments }),
      onLog: (log) => {
        keep(logs, log);
        options.onLog?.(log);
      },
      onReport: (report) => {
        keep(reports, report);
        options.onReport?.(report);
      },
    }),
  );

  const [bundles, wiro, s3, dynamodb, ssm, bus, lambda, api, callback] = await allSettled([
    options.bundles ?? bundleFunctions(),
    startWiro(options, add),
    addOn('s3', (port) => startS3({ dataDir: path.join(workDir, 's3'), port, onObjectCreated: notify })),
    addOn('dynamodb', (port) =>
      startDynamoDb({ port, ...(dataDir && { dataDir: path.join(dataDir, 'dynamodb') }) }),
    ),
    addOn('ssm', (port) =>
      startSsm({ region, port, ...(dataDir && { file: path.join(dataDir, 'parameters.json') }) }),
    ),
    addOn('events', (port) => startEvents({ region, port, buses: [NAMES.eventBus], onEvent: receive })),
    addOn('lambda', (port) => startLambdaEndpoint(host, { region, port })),
    addOn('api', (port) => startFunctionUrl(host, { functionName: awsNameOf('api'), auth: 'iam', port })),
    addOn('callback', (port) =>
      startFunctionUrl(host, { functionName: awsNameOf('callback'), auth: 'public', port }),
    ),
  ]);
  signal?.throwIfAborted();

  const { apiKey, apiSecret } = wiro.access;
  const secret = options.credentials === 'secret' ? await createSecret() : undefined;
  await allSettled([
    provision({
      ...NAMES,
      region,
      s3: s3.endpoint,
      dynamodb: dynamodb.endpoint,
      ssm: ssm.endpoint,
      parameters: {
        credentials: secret ? undefined : { apiKey, apiSecret },
        callbackBaseUrl: callback.endpoint,
        callbackFunction: awsNameOf('callback'),
      },
    }),
    deploy(bundles),
  ]);
  // Cleanup runs in reverse order: the functions stop before the services that they use.
  cleanup.add(() => host.stop());
  signal?.throwIfAborted();

  const schedule = createSchedule(
    { region, everyMs: options.scheduleMs ?? MINUTE_MS / durationDivisor },
    (event) => {
      for (const name of FUNCTION_NAMES) if (FUNCTIONS[name].everyMinute) invokeLater(name, event);
    },
  );
  cleanup.add(() => schedule.off());
  if (options.schedule ?? true) schedule.on();

  async function createSecret(): Promise<{ readonly endpoint: string; readonly arn: string }> {
    const { endpoint, create } = await add(startSecretsManager({ region }));
    const fields = { apiKey, apiSecret, callbackSecret: randomBytes(32).toString('hex') };
    return { endpoint, arn: create(`wiro-${DEPLOYMENT}`, JSON.stringify(fields)) };
  }

  async function deploy(code: Readonly<Record<FunctionName, FunctionBundle>>): Promise<void> {
    await Promise.all(FUNCTION_NAMES.map((name) => deployOne(name, code[name])));
  }

  async function deployOne(name: FunctionName, bundle: FunctionBundle): Promise<void> {
    const { memoryMb, timeoutSeconds } = FUNCTIONS[name];
    const environment = {
      ...functionEnvironment(name, {
        deployment: DEPLOYMENT,
        ...NAMES,
        submitFunction: awsNameOf('submit'),
        callbackFunction: awsNameOf('callback'),
        wiroApiUrl: wiro.access.apiUrl,
        ...(wiro.access.socketUrl && { wiroSocketUrl: wiro.access.socketUrl }),
        ...(wiro.access.outputHosts && { wiroOutputHosts: wiro.access.outputHosts }),
        ...(options.presets && { presets: JSON.stringify(options.presets) }),
        ...(secret && { secretArn: secret.arn }),
        ...(options.maximumGenerationsPerDay && {
          maximumGenerationsPerDay: String(options.maximumGenerationsPerDay),
        }),
        ...(options.dueShards && { dueShards: String(options.dueShards) }),
        ...(options.maximumCollects && { maximumCollects: String(options.maximumCollects) }),
        inputHandover: options.inputHandover ?? 'auto',
        ...(options.metrics && { metricsNamespace: METRIC_NAMESPACE }),
        durations: JSON.stringify(durations),
        durationDivisor: String(durationDivisor),
      }),
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
      AWS_ENDPOINT_URL_SSM: ssm.endpoint,
      ...(secret && { AWS_ENDPOINT_URL_SECRETS_MANAGER: secret.endpoint }),
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    };
    host.deploy({
      name: awsNameOf(name),
      ...bundle,
      memoryMb,
      timeoutSeconds: options.timeoutSeconds?.[name] ?? timeoutSeconds,
      ...(options.reservedConcurrency?.[name] && { reservedConcurrency: options.reservedConcurrency[name] }),
      environment: { ...environment, ...(await options.endpointOverrides?.(name, environment)) },
    });
  }

  function invokeLater(name: FunctionName, event: unknown): void {
    host.invokeLater(awsNameOf(name), JSON.stringify(event));
  }

  function receive(event: BusEvent): void {
    keep(events, event);
    options.onEvent?.(event);
    for (const name of FUNCTION_NAMES)
      if (FUNCTIONS[name].eventsPut?.includes(event['detail-type'])) invokeLater(name, event);
  }

  function notify(event: S3Event): void {
    for (const { s3: subject } of event.Records) {
      if (subject.bucket.name !== NAMES.inputBucket) continue;
      const key = decodeURIComponent(subject.object.key.replaceAll('+', ' '));
      for (const name of FUNCTION_NAMES) {
        const isWanted = (FUNCTIONS[name].objectsCreated ?? []).some(({ prefix }) => key.startsWith(prefix));
        if (isWanted) invokeLater(name, event);
      }
    }
  }

  return {
    endpoints: {
      api: api.endpoint,
      callback: callback.endpoint,
      s3: s3.endpoint,
      dynamodb: dynamodb.endpoint,
      ssm: ssm.endpoint,
      ...(secret && { secret }),
      lambda: lambda.endpoint,
      events: bus.endpoint,
      wiro: wiro.access.apiUrl,
      region,
      ...NAMES,
      functions: {
        api: awsNameOf('api'),
        submit: awsNameOf('submit'),
        callback: awsNameOf('callback'),
        reconcile: awsNameOf('reconcile'),
      },
    },
    ...(wiro.simulator && { simulator: wiro.simulator }),
    schedule,
    events: () => events,
    logs: () => logs,
    reports: () => reports,
    invoke: async (name, event) => {
      const { kind, payload } = await host.invoke(awsNameOf(name), JSON.stringify(event));
      if (kind === 'failed') throw new FunctionError(awsNameOf(name), payload);
      return JSON.parse(payload);
    },
    invokeLater,
    deploy,
    retire: host.retire,
    idle: host.idle,
    pids: host.pids,
    stop: cleanup.run,
  };
}

/** Like `Promise.all`, but waits for all promises even if one rejects, so that nothing starts after the cleanup. */
async function allSettled<const T extends readonly unknown[]>(
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(starting);
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  return Promise.all(starting);
}

function keep<T>(entries: T[], entry: T): void {
  entries.push(entry);
  if (entries.length > KEPT_ENTRIES) entries.splice(0, entries.length - KEPT_ENTRIES);
}

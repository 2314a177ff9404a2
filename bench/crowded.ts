import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, WiroServerlessError } from '../client/index.ts';
import { type Environment, type EnvironmentOptions, startEnvironment } from '../local/environment.ts';

// npm run bench:crowded: measures how slow copies and forged callbacks affect other requests in an account with little
// concurrency. The local Lambda host throttles like AWS. Its other timings are not comparable with AWS.

const WINDOW_MS = 20_000;
const COPY_MS = 60_000;
const TASK_MS = 20_000;
/** The divisor of the simulator's durations. */
const DIVISOR = 100;
const ACCOUNT = 10;

interface Case {
  readonly name: string;
  readonly options?: EnvironmentOptions;
  readonly copies?: number;
  /** Forged callbacks per second. */
  readonly forged?: number;
}

const CASES: readonly Case[] = [
  { name: 'nothing else' },
  { name: 'ten slow copies', copies: 10 },
  { name: 'ten slow copies, `maximumCollects: 5`', copies: 10, options: { maximumCollects: 5 } },
  { name: '50 forged callbacks a second', forged: 50 },
  { name: '150 forged callbacks a second', forged: 150 },
  {
    name: '150 forged callbacks a second, of 20 `reservedConcurrency: { callback: 10 }`',
    forged: 150,
    options: { accountConcurrency: 20, reservedConcurrency: { callback: 10 } },
  },
];

async function measure({ name, options, copies = 0, forged = 0 }: Case): Promise<string> {
  const environment = await startEnvironment({
    accountConcurrency: ACCOUNT,
    scheduleMs: 2_000,
    maximumEnvironments: ACCOUNT,
    simulator: { outputs: 'tiny', durationDivisor: DIVISOR, concurrencyLimit: null, workers: 1_000 },
    durations: { headers: 2 * COPY_MS, lease: 60_000 },
    ...options,
  });
  try {
    const { simulator } = environment;
    if (!simulator) throw new Error('The environment has no simulator');
    await warmUp(environment);
    // All tasks end together. Otherwise, the first copies would keep the other tasks from running.
    if (copies > 0)
      simulator.faults.add(
        { operation: 'cdn', fault: { kind: 'slow', delayMs: COPY_MS * DIVISOR } },
        { operation: 'task', times: copies, fault: { kind: 'lasts', durationMs: TASK_MS * DIVISOR } },
      );
    await Promise.all(Array.from({ length: copies }, () => accepted(environment)));
    const until = (isMet: () => boolean) => waitUntil(isMet, 90_000);
    await until(() => simulator.tasks().length >= copies + 1);
    if (copies > 0) await sleep(TASK_MS + 5_000);

    const stopAt = Date.now() + WINDOW_MS;
    const runsBefore = runsOfReconcile(environment);
    const flood = every(forged === 0 ? undefined : 1_000 / forged, stopAt, () => callBack(environment));
    const [api, callbacks, waited] = await Promise.all([
      every(500, stopAt, () => statusOf(client(environment).get('none'))),
      every(500, stopAt, () => callBack(environment)),
      timeToRun(environment, simulator.tasks().length),
    ]);
    await flood;
    const runs = runsOfReconcile(environment) - runsBefore;
    const refused = (all: readonly number[]) =>
      `${all.filter((status) => status === 429).length} of ${all.length}`;
    const wait = waited === undefined ? `over ${WINDOW_MS / 1_000} s` : `${(waited / 1_000).toFixed(1)} s`;
    return `| ${name} | ${refused(api)} | ${refused(callbacks)} | ${wait} | ${runs} |`;
  } finally {
    await environment.stop();
  }
}

/** Starts one environment of each function. */
async function warmUp(environment: Environment): Promise<void> {
  await request(environment);
  await waitUntil(
    () => environment.events().some((event) => event['detail-type'].endsWith('Succeeded')),
    60_000,
  );
}

const client = ({ endpoints }: Environment) => createClient({ url: endpoints.api, maximumTries: 1 });

const request = (environment: Environment) =>
  client(environment).submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } });

/** Measures the time from a request, repeated until it is accepted, to its task. */
async function timeToRun(environment: Environment, tasks: number): Promise<number | undefined> {
  const startedAt = Date.now();
  if (!(await accepted(environment))) return undefined;
  const isThere = await waitUntil(
    () => (environment.simulator?.tasks().length ?? 0) > tasks,
    WINDOW_MS - (Date.now() - startedAt),
  ).then(
    () => true,
    () => false,
  );
  return isThere ? Date.now() - startedAt : undefined;
}

/** Repeats a request until it is accepted. @returns Whether it was accepted in time. */
async function accepted(environment: Environment): Promise<boolean> {
  const startedAt = Date.now();
  while ((await statusOf(request(environment))) !== 200) {
    if (Date.now() - startedAt > WINDOW_MS) return false;
    await sleep(200);
  }
  return true;
}

/** Calls back as anyone can: not through the API, so without its client. */
const callBack = ({ endpoints }: Environment) =>
  fetch(`${endpoints.callback}/local/${'a'.repeat(26)}/1/${'0'.repeat(64)}`, {
    method: 'POST',
    body: '{}',
  }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );

/** Returns 200 for an answer of the API, else the status of its refusal; 0 without an answer. */
const statusOf = (answer: Promise<unknown>): Promise<number> =>
  answer.then(
    () => 200,
    (error: unknown) => (error instanceof WiroServerlessError ? (error.status ?? 0) : 0),
  );

const runsOfReconcile = (environment: Environment) =>
  environment
    .reports()
    .filter(({ functionName }) => functionName === environment.endpoints.functions.reconcile).length;

/** Sends requests periodically without waiting for responses. */
async function every(
  pauseMs: number | undefined,
  stopAt: number,
  ask: () => Promise<number>,
): Promise<readonly number[]> {
  const asked: Promise<number>[] = [];
  const startedAt = Date.now();
  while (pauseMs !== undefined && Date.now() < stopAt) {
    asked.push(ask());
    await sleep(Math.max(0, startedAt + asked.length * pauseMs - Date.now()));
  }
  return Promise.all(asked);
}

async function waitUntil(isMet: () => boolean, limitMs: number): Promise<void> {
  const startedAt = Date.now();
  while (!isMet()) {
    if (Date.now() - startedAt > limitMs) throw new Error(`The condition was not met within ${limitMs} ms`);
    await sleep(50);
  }
}

console.log(`An account with a concurrency of ${ACCOUNT}, during ${WINDOW_MS / 1_000} seconds:

| other load | API: refused with 429 | callbacks: refused with 429 | time from request to Run | runs of reconcile |
| --- | ---: | ---: | ---: | ---: |`);
const only = Number(process.argv[2] ?? Number.NaN);
for (const [index, one] of CASES.entries())
  if (Number.isNaN(only) || only === index) console.log(await measure(one));

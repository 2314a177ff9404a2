import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ENV, WIRO_DEFAULTS } from '../functions/settings.ts';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '..');

/** Modules to load in a new process, by `require` (CommonJS) or `import` (ES modules). */
export interface Loaded {
  readonly name: string;
  readonly modules: readonly string[];
  readonly by?: 'require' | 'import';
  /** What its handler answers after it is loaded. @default - it is only loaded */
  readonly first?: FirstAnswer;
}

/** The first event of a handler, in the first of the modules. */
export interface FirstAnswer {
  readonly event: object;
  /** Another answer means that something else was measured. */
  readonly statusCode?: number;
  /** Where AWS is. */
  readonly endpoint: string;
}

/** The unbundled SDK, with which functions are compared. */
export const UNBUNDLED_SDK = {
  name: 'client-s3 + client-dynamodb, unbundled',
  modules: ['@aws-sdk/client-s3', '@aws-sdk/client-dynamodb'],
} as const satisfies Loaded;

export interface LoadTime {
  /** The elapsed time. */
  readonly elapsedMs: number;
  /** The processor time, which hardly depends on the machine's other load. */
  readonly processorMs: number;
  /** Both times until the first answer, if there was one. */
  readonly answeredMs?: number;
  readonly answeredProcessorMs?: number;
}

/**
 * Measures load times in new processes. Takes turns, so that the machine's other load affects all of them equally.
 * @returns Medians by name.
 */
export async function measureLoadTimes(
  loaded: readonly Loaded[],
  runs: number,
): Promise<ReadonlyMap<string, LoadTime>> {
  const times = new Map(loaded.map(({ name }) => [name, [] as LoadTime[]]));
  // Ignores the first turn, which reads from the disk.
  for (let turn = 0; turn <= runs; turn += 1)
    for (const one of loaded) {
      const time = await measureOnce(one);
      if (turn > 0) times.get(one.name)?.push(time);
    }
  return new Map(
    [...times].map(([name, measured]) => [
      name,
      {
        elapsedMs: median(measured.map(({ elapsedMs }) => elapsedMs)),
        processorMs: median(measured.map(({ processorMs }) => processorMs)),
        answeredMs: median(measured.map(({ answeredMs = Number.NaN }) => answeredMs)),
        answeredProcessorMs: median(
          measured.map(({ answeredProcessorMs = Number.NaN }) => answeredProcessorMs),
        ),
      },
    ]),
  );
}

async function measureOnce({ name, modules, by = 'require', first }: Loaded): Promise<LoadTime> {
  const load = modules.map((module) =>
    by === 'import' ? `await import(${JSON.stringify(module)});` : `require(${JSON.stringify(module)});`,
  );
  const script = `const write = process.stdout.write.bind(process.stdout); // opened before the clock starts, as in Lambda
    const worked = process.cpuUsage(), start = performance.now();
    const passed = () => {
      const { user, system } = process.cpuUsage(worked);
      return { elapsedMs: performance.now() - start, processorMs: (user + system) / 1000 };
    };
    ${load.join(' ')}
    const loaded = passed();
    ${first ? answerOf(modules[0] ?? '', first) : 'write(JSON.stringify(loaded), () => process.exit());'}`;
  const type = by === 'import' ? 'module' : 'commonjs';
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, '--eval', script], {
    cwd: ROOT,
    env: { ...ENVIRONMENT, ...(first && { AWS_ENDPOINT_URL: first.endpoint }) },
  });
  try {
    return JSON.parse(stdout) as LoadTime;
  } catch (cause) {
    throw new Error(`Cannot measure ${name}: it wrote "${stdout}" while loading`, { cause });
  }
}

const answerOf = (module: string, { event, statusCode }: FirstAnswer): string => `
    // What the handler logs would be read as the measured time.
    process.stdout.write = () => true;
    const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 900_000 };
    require(${JSON.stringify(module)}).handler(${JSON.stringify(event)}, context).then((answer) => {
      if (answer?.statusCode !== ${statusCode}) throw new Error('It answered ' + JSON.stringify(answer));
      const { elapsedMs: answeredMs, processorMs: answeredProcessorMs } = passed();
      write(JSON.stringify({ ...loaded, answeredMs, answeredProcessorMs }), () => process.exit());
    });`;

// The variables that functions read while loading. Does not inherit NODE_OPTIONS, whose hooks would be measured too.
const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  ...Object.fromEntries(Object.values(ENV).map((name) => [name, 'bench'])),
  // The secrets are parameters.
  [ENV.secretArn]: '',
  [ENV.inputHandover]: 'auto',
  [ENV.presets]: '{}',
  [ENV.inputPrefixes]: '[]',
  [ENV.maximumCollects]: '1',
  [ENV.furtherModelKinds]: 'realtime',
  [ENV.models]: 'wiro/*',
  [ENV.unknownParameters]: 'refuse',
  [ENV.parameterPath]: '/wiro/bench',
  [ENV.wiroApiUrl]: WIRO_DEFAULTS.apiUrl,
  [ENV.wiroSocketUrl]: WIRO_DEFAULTS.socketUrl,
  [ENV.wiroOutputHosts]: WIRO_DEFAULTS.outputHosts,
  [ENV.maximumGenerationsPerDay]: '',
  [ENV.maximumConcurrency]: '1',
  [ENV.dueShards]: '1',
  [ENV.durations]: '{}',
  [ENV.durationDivisor]: '1',
};

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import { type Environment, type FunctionBundle, startEnvironment } from '../local/environment.ts';
import { type Call, createCounter } from './cost-counter.ts';
import { runOne } from './cost-run.ts';
import { type CallLimits, type Counted, METRICS, type PerCall } from './limits.ts';

export type CallsByFunction = Readonly<Record<FunctionName, CallLimits>>;

export interface CountCallsOptions {
  readonly inputHandover: 'upload' | 'presigned';
  readonly bundles: Readonly<Record<FunctionName, FunctionBundle>>;
  /** The number of counted generations. @default 2 */
  readonly generations?: number;
}

const NAMES = Object.keys(FUNCTIONS) as FunctionName[];

/**
 * Counts every call of single generations, and of one idle run of `reconcile` before each.
 * @returns One entry for each generation. A repeated call, for example after a lost race for the gate, only ever adds.
 * So the smallest count is what a generation needs.
 */
export async function countCalls({
  inputHandover,
  bundles,
  generations = 2,
}: CountCallsOptions): Promise<readonly CallsByFunction[]> {
  let calls: Call[] = [];
  const counter = createCounter((call) => calls.push(call));
  const environment = await startEnvironment({
    bundles,
    inputHandover,
    schedule: false,
    endpointOverrides: counter.endpointOverrides,
    simulator: { outputs: 'tiny', balanceUsd: 1_000_000, taskDurationMs: 100 },
  });
  const countOne = async (index: number) => {
    calls = [];
    await environment.invoke('reconcile', {});
    await runOne(environment, index);
    await environment.idle();
    return byFunction(calls);
  };
  try {
    await warmUp(environment);
    const counted: CallsByFunction[] = [];
    let repeats = 0;
    for (let index = 1; counted.length < generations; index += 1) {
      const calls = await countOne(index);
      if (hasNewContainer(calls) && repeats < MOST_REPEATS) repeats += 1;
      else counted.push(calls);
    }
    return counted;
  } finally {
    await environment.stop();
    await counter.stop();
  }
}

/** On a busy machine a function may need another container, which reads the parameters once or, for `api`, the model. */
const hasNewContainer = (calls: CallsByFunction) =>
  NAMES.some((name) => calls[name].SSM !== undefined) || calls.api['GetItem schema'] !== undefined;
const MOST_REPEATS = 5;

/** The first generation reads the parameters and the model. */
async function warmUp(environment: Environment): Promise<void> {
  await environment.invoke('reconcile', {});
  await runOne(environment, 0);
  await environment.idle();
}

function byFunction(calls: readonly Call[]): CallsByFunction {
  const of = (name: FunctionName): CallLimits => {
    const sums: Record<string, Counted> = {};
    for (const call of calls.filter((one) => one.function === name)) {
      const { dynamoDbWriteUnits, dynamoDbReadUnits, s3Puts } = call.added;
      const added = [1, dynamoDbWriteUnits, dynamoDbReadUnits, s3Puts] as const;
      const before = sums[call.name] ?? NOTHING;
      sums[call.name] = [
        before[0] + added[0],
        before[1] + added[1],
        before[2] + added[2],
        before[3] + added[3],
      ];
    }
    return sums;
  };
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as CallsByFunction;
}

const NOTHING: Counted = [0, 0, 0, 0];

/**
 * Compares the smallest of several counts with the limits.
 * @returns For each exceeded sum one sentence that names the calls that grew.
 */
export function findGrowth(limits: PerCall, counted: readonly CallsByFunction[]): readonly string[] {
  return NAMES.flatMap((name) =>
    METRICS.flatMap((metric, at) => {
      const total = (calls: CallLimits) => Object.values(calls).reduce((sum, one) => sum + (one[at] ?? 0), 0);
      const allowed = limits[name] ?? {};
      const least = counted.map((one) => one[name]).toSorted((a, b) => total(a) - total(b))[0] ?? {};
      if (total(least) <= total(allowed)) return [];
      const grown = Object.entries(least).flatMap(([call, { [at]: now = 0 }]) => {
        const before = allowed[call]?.[at] ?? 0;
        return now > before ? [`${call} ${before} → ${now}`] : [];
      });
      return [`${name}: ${total(least)} ${metric}, at most ${total(allowed)}. It grew: ${grown.join(', ')}`];
    }),
  );
}

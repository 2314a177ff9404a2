import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import type { Usage, UsageByFunction } from './cost-run.ts';
import { PRICE } from './prices.ts';

/** One line of a bill. */
export interface Line {
  readonly what: string;
  readonly count: number;
  readonly price: keyof typeof PRICE;
}

export const usdOf = ({ count, price }: Line): number => count * PRICE[price].usd;
export const totalOf = (lines: readonly Line[]): number => lines.reduce((sum, line) => sum + usdOf(line), 0);

/** Lambda's own log lines for an invocation, `platform.start` and `platform.report`, unless they are turned off. */
const PLATFORM_LINES = 2;
const PLATFORM_BYTES = 750;
/** Bytes that CloudWatch adds to each log line. */
const LINE_BYTES = 26;
/** The memory with which a function gets one whole processor. */
const WHOLE_PROCESSOR_MB = 1_769;
/** Assumptions about the network, which a local measurement does not include. */
const WIRO_CALL_MS = 250;
const NETWORK_BYTES_PER_MS = 30_000;
/** The assumed share of invocations that start an environment. */
const COLD_SHARE = 0.1;

const NAMES = Object.keys(FUNCTIONS) as FunctionName[];

/** Whether `infra/` turns off Lambda's own info lines for the function. */
const isSilent = (name: FunctionName): boolean => {
  const { everyMinute, url } = FUNCTIONS[name];
  return everyMinute === true || url !== undefined;
};

/**
 * Estimates a function's duration on Lambda for one generation: the measured waiting time, the processor time scaled by
 * the function's share of a processor, and the assumed network time.
 */
export function lambdaMs(
  name: FunctionName,
  { durationMs, processorMs, wiroCalls, bytesMoved }: Usage,
): number {
  const slowdown = Math.max(1, WHOLE_PROCESSOR_MB / FUNCTIONS[name].memoryMb);
  const waitingMs = Math.max(0, durationMs - processorMs);
  return waitingMs + processorMs * slowdown + wiroCalls * WIRO_CALL_MS + bytesMoved / NETWORK_BYTES_PER_MS;
}

/** Computes the bill of one generation. */
export function billOf(usage: UsageByFunction, durations: 'measured' | 'estimated'): readonly Line[] {
  const sum = (of: (usage: Usage, name: FunctionName) => number) =>
    NAMES.reduce((total, name) => total + of(usage[name], name), 0);
  const gbSeconds = sum((one, name) => {
    const ms = durations === 'measured' ? one.durationMs : lambdaMs(name, one);
    return (ms / 1_000) * (FUNCTIONS[name].memoryMb / 1_024);
  });
  // A function has a whole processor while it loads.
  const coldGbSeconds = sum(
    ({ invocations, initMs }, name) =>
      invocations * COLD_SHARE * (initMs / 1_000) * (FUNCTIONS[name].memoryMb / 1_024),
  );
  const logBytes = sum(
    ({ logBytes, logLines, invocations }, name) =>
      logBytes +
      logLines * LINE_BYTES +
      (isSilent(name) ? 0 : invocations * (PLATFORM_BYTES + PLATFORM_LINES * LINE_BYTES)),
  );
  return [
    { what: 'Lambda requests', count: sum(({ invocations }) => invocations), price: 'lambdaRequest' },
    { what: 'Lambda GB-seconds', count: gbSeconds, price: 'lambdaGbSecond' },
    { what: 'Lambda GB-seconds, one start in ten cold', count: coldGbSeconds, price: 'lambdaGbSecond' },
    { what: 'DynamoDB write units', count: sum((one) => one.dynamoDbWriteUnits), price: 'writeUnit' },
    { what: 'DynamoDB read units', count: sum((one) => one.dynamoDbReadUnits), price: 'readUnit' },
    { what: 'S3 PUT, POST, LIST', count: sum(({ s3Puts }) => s3Puts), price: 's3Put' },
    { what: 'S3 GET, HEAD', count: sum(({ s3Gets }) => s3Gets), price: 's3Get' },
    { what: 'EventBridge events', count: sum(({ events }) => events), price: 'event' },
    { what: 'GB of logs', count: logBytes / 1e9, price: 'logGb' },
  ];
}

/** Usage that is within an account's permanent monthly allowances. */
export function allowancesOf(usage: UsageByFunction): readonly Line[] {
  const traced = NAMES.filter((name) => !FUNCTIONS[name].everyMinute);
  return [
    {
      what: 'X-Ray traces, if every invocation is sampled',
      count: traced.reduce((sum, name) => sum + usage[name].invocations, 0),
      price: 'trace',
    },
    {
      what: 'GB sent to Wiro',
      count: NAMES.reduce((sum, name) => sum + usage[name].bytesToWiro, 0) / 1e9,
      price: 'transferGb',
    },
  ];
}

const RUNS_A_MONTH = 60 * 24 * 30;
/** Reading the shards of `due` that are not written to: seven empty pages, in every tenth run (`store/due-index.ts`). */
const OTHER_SHARDS_UNITS = (7 * 0.5) / 10;

/** Computes a deployment's costs in an idle month, without metrics, alarms, dashboards and logs. */
export function idleBill(usage: Usage): readonly Line[] {
  const { memoryMb } = FUNCTIONS.reconcile;
  const aMonth = (count: number) => count * RUNS_A_MONTH;
  return [
    { what: 'Lambda requests (`reconcile`, once a minute)', count: aMonth(1), price: 'lambdaRequest' },
    {
      what: 'Lambda GB-seconds',
      count: aMonth((lambdaMs('reconcile', usage) / 1_000) * (memoryMb / 1_024)),
      price: 'lambdaGbSecond',
    },
    {
      what: 'DynamoDB read units',
      count: aMonth(usage.dynamoDbReadUnits + OTHER_SHARDS_UNITS),
      price: 'readUnit',
    },
  ];
}

/** Computes the logs of `reconcile` in an idle month. Lambda's own info lines are turned off for it. */
export const idleLogs = ({ logBytes, logLines }: Usage): Line => ({
  what: 'GB of logs',
  count: (RUNS_A_MONTH * (logBytes + logLines * LINE_BYTES)) / 1e9,
  price: 'logGb',
});

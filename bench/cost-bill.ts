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

/** What Lambda writes about an invocation, `platform.start` and `platform.report` in JSON: not where that is switched off. */
const PLATFORM_LINES = 2;
const PLATFORM_BYTES = 750;
/** What CloudWatch adds to the size of each line. */
const LINE_BYTES = 26;
/** Memory at which Lambda gives one whole processor. */
const WHOLE_PROCESSOR_MB = 1_769;
/** Assumed of what this machine does not have: a distance to Wiro, and a network. */
const WIRO_CALL_MS = 250;
const NETWORK_BYTES_PER_MS = 30_000;
/** Assumed: so many invocations start an environment first. */
const COLD_SHARE = 0.1;

const NAMES = Object.keys(FUNCTIONS) as FunctionName[];

/** Lambda says of it only what goes wrong, as `infra/` has it. */
const isSilent = (name: FunctionName): boolean => {
  const { everyMinute, url } = FUNCTIONS[name];
  return everyMinute || url === 'public';
};

/**
 * How long one generation keeps a function busy on Lambda: waiting as it was measured; the processor's work as much
 * longer as the function's share of a processor is smaller; and what is not on this machine.
 */
export function lambdaMs(
  name: FunctionName,
  { durationMs, processorMs, wiroCalls, bytesMoved }: Usage,
): number {
  const slowdown = Math.max(1, WHOLE_PROCESSOR_MB / FUNCTIONS[name].memoryMb);
  const waitingMs = Math.max(0, durationMs - processorMs);
  return waitingMs + processorMs * slowdown + wiroCalls * WIRO_CALL_MS + bytesMoved / NETWORK_BYTES_PER_MS;
}

/** The bill of one generation. */
export function billOf(usage: UsageByFunction, durations: 'measured' | 'estimated'): readonly Line[] {
  const sum = (of: (usage: Usage, name: FunctionName) => number) =>
    NAMES.reduce((total, name) => total + of(usage[name], name), 0);
  const gbSeconds = sum((one, name) => {
    const ms = durations === 'measured' ? one.durationMs : lambdaMs(name, one);
    return (ms / 1_000) * (FUNCTIONS[name].memoryMb / 1_024);
  });
  // While it loads, a function has a whole processor.
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

/** What an account has for free each month, for ever, and 1,000 generations use a little of. */
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

/** What a deployment costs in a month in which nothing happens, without CloudWatch's charges by the piece. */
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
    { what: 'DynamoDB read units', count: aMonth(usage.dynamoDbReadUnits), price: 'readUnit' },
  ];
}

/** GB of logs of `reconcile` in such a month. Lambda's own lines are left out for it, unless it fails. */
export const idleLogs = ({ logBytes, logLines }: Usage): Line => ({
  what: 'GB of logs',
  count: (RUNS_A_MONTH * (logBytes + logLines * LINE_BYTES)) / 1e9,
  price: 'logGb',
});

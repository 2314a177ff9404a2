import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { billOf, idleBill, lambdaMs, totalOf } from '../../bench/cost-bill.ts';
import { none } from '../../bench/cost-counter.ts';
import type { Usage } from '../../bench/cost-run.ts';
import type { FunctionName } from '../../functions/functions.ts';

const NOTHING: Usage = {
  invocations: 0,
  durationMs: 0,
  processorMs: 0,
  initMs: 0,
  peakMib: 0,
  logLines: 0,
  logBytes: 0,
  ...none(),
};
const IDLE = { api: NOTHING, submit: NOTHING, callback: NOTHING, reconcile: NOTHING };

describe('the bill of a generation', () => {
  it('prices the counted usage', () => {
    const submit: Usage = {
      ...NOTHING,
      invocations: 2,
      durationMs: 1_000,
      dynamoDbWriteUnits: 10,
      dynamoDbReadUnits: 4,
      s3Puts: 2,
      s3Gets: 5,
      events: 1,
    };

    const bill = Object.fromEntries(
      billOf({ ...IDLE, submit }, 'measured').map((line) => [line.what, totalOf([line]).toFixed(9)]),
    );

    expect(bill).toEqual({
      'Lambda requests': '0.000000400',
      // One second with 256 MB.
      'Lambda GB-seconds': '0.000003333',
      'Lambda GB-seconds, one start in ten cold': '0.000000000',
      'DynamoDB write units': '0.000006250',
      'DynamoDB read units': '0.000000500',
      'S3 PUT, POST, LIST': '0.000010000',
      'S3 GET, HEAD': '0.000002000',
      'EventBridge events': '0.000001000',
      // Lambda's own two log lines per invocation: 2 × (750 + 52) bytes.
      'GB of logs': '0.000000802',
    });
  });

  it('excludes Lambda’s own log lines if they are turned off', () => {
    const logsOf = (usage: Partial<Record<FunctionName, Usage>>) =>
      billOf({ ...IDLE, ...usage }, 'measured').find(({ what }) => what === 'GB of logs')?.count;
    const invoked = { ...NOTHING, invocations: 2 };

    expect(logsOf({ submit: invoked })).toBeCloseTo(0.000001604, 12);
    expect([logsOf({ api: invoked }), logsOf({ callback: invoked }), logsOf({ reconcile: invoked })]).toEqual(
      [0, 0, 0],
    );
    expect(logsOf({ callback: { ...invoked, logLines: 1, logBytes: 600 } })).toBeCloseTo(0.000000626, 12);
  });

  it('assumes a slower processor on Lambda, and a distance to Wiro', () => {
    const busy = { ...NOTHING, durationMs: 300, processorMs: 100 };

    // 256 MB come with 0.145 of a processor: 200 ms of waiting, 691 ms of work.
    expect(lambdaMs('submit', busy)).toBeCloseTo(891, 1);
    expect(lambdaMs('submit', { ...busy, wiroCalls: 2, bytesMoved: 3_000_000 })).toBeCloseTo(1_491, 1);
  });

  it('runs reconcile every minute of a month with thirty days, and reads the other shards in every tenth', () => {
    const [requests] = idleBill({ ...NOTHING, dynamoDbReadUnits: 3 });

    expect(requests?.count).toBe(43_200);
    expect(totalOf(idleBill({ ...NOTHING, dynamoDbReadUnits: 3 }))).toBeCloseTo(0.0267, 4);
  });
});

describe('the last measurement in docs/cost.md', () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/cost.md'), 'utf8');
  const totals = (row: string) =>
    [...(new RegExp(`^\\| \\*\\*${row}\\*\\* .*$`, 'm').exec(text)?.[0] ?? '').matchAll(/\$([\d.]+)/g)].map(
      ([, amount]) => Number(amount),
    );

  it('keeps 1,000 generations within five and a half cents on Lambda, and within four and a half with links', () => {
    const [uploaded = 1, uploadedOnLambda = 1, presigned = 1, presignedOnLambda = 1] = totals('total');

    expect(uploadedOnLambda).toBeLessThanOrEqual(0.055);
    expect(presignedOnLambda).toBeLessThanOrEqual(0.045);
    expect([uploaded <= uploadedOnLambda, presigned <= presignedOnLambda]).toEqual([true, true]);
  });

  it('keeps an idle month below five cents, with CloudWatch’s free tier or without observability', () => {
    const [, standard = 1, none = 1] = totals('a month');

    expect(standard).toBeLessThan(0.05);
    expect(none).toBeLessThan(0.05);
  });
});

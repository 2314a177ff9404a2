import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { DynamoDBClient } from '../../../functions/aws/dynamodb.ts';
import { timestamp } from '../../../functions/generation/time.ts';
import { accept } from '../../../functions/generation/transitions/accept.ts';
import { startRunning } from '../../../functions/generation/transitions/submit.ts';
import { generationId } from '../../../functions/request/identity.ts';
import { DURATIONS } from '../../../functions/settings.ts';
import { createGenerationStore } from '../../../functions/store/generation-store.ts';
import { LOCAL_CREDENTIALS } from '../../../local/aws/credentials.ts';
import { eventually } from '../../support/eventually.ts';
import { type PlannedFault, startSystem } from '../../support/system.ts';
import { resourcesOf, synthesize } from '../synthesize.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const system = await startSystem({ metrics: true });
const { environment, simulator } = system;
const { endpoints } = environment;
const dynamodb = new DynamoDBClient({
  region: endpoints.region,
  credentials: LOCAL_CREDENTIALS,
  endpoint: endpoints.dynamodb,
});
const store = createGenerationStore({ client: dynamodb, tableName: endpoints.table });
const moment = () => ({ now: timestamp(new Date()), durations: DURATIONS });

const MODEL = 'wiro/text-to-image';
const PARAMETERS = { prompt: 'A hill' };

async function submitted(...faults: readonly PlannedFault[]): Promise<string> {
  const { idempotencyKey, id } = system.plan(...faults);
  await system.submit({ model: MODEL, parameters: PARAMETERS, idempotencyKey });
  return id;
}

interface Embedded {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
  }[];
}

/** The metrics that CloudWatch would extract from the log, each with name, unit, value and dimensions. */
function measured() {
  return environment.logs().flatMap(
    ({ facts = {} }) =>
      (facts._aws as Embedded | undefined)?.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
        Metrics.map(({ Name, Unit }) => ({
          metric: `${Namespace} ${Name}`,
          unit: Unit,
          value: Number(facts[Name]),
          dimensions: Dimensions[0]?.map((name) => `${name}=${facts[name]}`).join(),
          id: facts.generationId,
          facts,
        })),
      ) ?? [],
  );
}

/** The sums of one generation's values by metric. A sum of 2 shows that it was counted twice. */
function measuredOf(id: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of measured()) {
    const name = one.metric.replace('WiroGenerations ', '');
    if (one.id === id) sums[name] = (sums[name] ?? 0) + one.value;
  }
  return sums;
}

const isMeasured = (id: string, name: string) =>
  eventually(`${name} of ${id}`, () => measuredOf(id)[name] !== undefined && measuredOf(id));

describe('the metrics in the log', () => {
  it('count a generation that succeeds, with its cost and duration', async () => {
    const id = await submitted();
    await system.ended(id);

    expect(measuredOf(id)).toEqual({
      Accepted: 1,
      Succeeded: 1,
      CostUsd: 0.04,
      TimeToResult: expect.any(Number),
    });
    expect(measuredOf(id).TimeToResult).toBeGreaterThan(0.01);
    expect(measuredOf(id).TimeToResult).toBeLessThan(60);
  });

  it('count a generation that fails, with the code on the same line but not as a dimension', async () => {
    const id = await submitted({ operation: 'task', fault: { kind: 'fails' } });
    await system.ended(id);

    expect(measuredOf(id)).toMatchObject({ Accepted: 1, Failed: 1 });
    const [line] = measured().filter((one) => one.id === id && one.metric.endsWith(' Failed'));
    expect(line).toMatchObject({ dimensions: 'Deployment=local', facts: { code: 'model_failed' } });
  });

  it('count a generation without balance at Wiro as Failed and as InsufficientBalance', async () => {
    simulator.set({ balanceUsd: 0.2 });
    const id = await submitted();
    await system.ended(id);
    simulator.set({ balanceUsd: 100 });

    expect(measuredOf(id)).toEqual({ Accepted: 1, Failed: 1, InsufficientBalance: 1 });
  });

  it('count a repeated request only once', async () => {
    const idempotencyKey = randomUUID();
    const request = { model: MODEL, parameters: PARAMETERS, idempotencyKey };
    const { id } = await system.submit(request);
    await system.submit(request);
    await system.ended(id);
    await system.submit(request);

    expect(measuredOf(id)).toMatchObject({ Accepted: 1, Succeeded: 1 });
  });

  it('show the age of the first in line, and count cancellations in line and at Wiro', async () => {
    simulator.set({ concurrencyLimit: 1 });
    const first = await submitted({ operation: 'task', fault: { kind: 'stuck' } });
    await system.reached(first, ({ status }) => status === 'running');
    const second = await submitted();
    const age = () => measured().findLast(({ metric }) => metric.endsWith(' OldestWaitingAge'))?.value ?? 0;

    await eventually('an age of the first in line', () => age() > 0.3);
    await system.call('POST', `/generations/${second}/cancel`);
    await system.call('POST', `/generations/${first}/cancel`);
    await Promise.all([system.ended(first), system.ended(second)]);
    simulator.set({ concurrencyLimit: null });

    expect([measuredOf(first).Cancelled, measuredOf(second).Cancelled]).toEqual([1, 1]);
    await eventually('an empty line', () => age() === 0);
  });

  it('count fruitless looks from the twentieth on', async () => {
    const id = generationId('local', 'api', randomUUID());
    const given = {
      id,
      deployment: 'local',
      origin: 'api',
      model: MODEL,
      requestHash: 'a'.repeat(64),
    } as const;
    const request = { model: MODEL, parameters: PARAMETERS, inputs: {}, labels: {} };

    await store.accept({ ...accept(given, moment()), looks: 19, dueAt: timestamp(0) }, request);

    expect(await isMeasured(id, 'FruitlessLooks')).toMatchObject({ FruitlessLooks: 1 });
  });

  it('count a second task for one attempt', async () => {
    // The answer takes three seconds. No callback may come first, because it would adopt the task.
    const id = await submitted(
      { operation: 'Run', times: 1, fault: { kind: 'slow', delayMs: 300_000 } },
      { operation: 'task', fault: { kind: 'stuck' } },
    );
    await eventually('the mark', async () => (await system.item(id))?.run !== undefined);

    const run = { startedAt: moment().now, reusedUploads: false, searches: 0 };
    await store.update(id, (current) => startRunning(current, run, 1, { id: 'another' }, moment()));

    expect(await isMeasured(id, 'SecondTask')).toMatchObject({ SecondTask: 1 });
  });
});

describe('the alarms on our own metrics', () => {
  let alarms: readonly (readonly [id: string, metric: string, dimensions: string])[];
  beforeAll(() => {
    alarms = resourcesOf(synthesize({ deployment: 'local' }), 'AWS::CloudWatch::Alarm').flatMap(
      ([id, { Properties }]) => {
        const { Namespace, MetricName, Dimensions } = Properties as {
          Namespace: string;
          MetricName: string;
          Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
        };
        const dimensions = Dimensions?.map(({ Name, Value }) => `${Name}=${Value}`).join() ?? '';
        return Namespace === 'WiroGenerations'
          ? [[id, `${Namespace} ${MetricName}`, dimensions] as const]
          : [];
      },
    );
  });

  it('watch metrics that the functions have toText, by name and dimension', () => {
    const seen = new Set(measured().map(({ metric, dimensions }) => `${metric} ${dimensions}`));

    expect(alarms).toHaveLength(6);
    for (const [id, metric, dimensions] of alarms) expect(seen, id).toContain(`${metric} ${dimensions}`);
  });

  it('watch metrics with the expected units', () => {
    const units = new Map(measured().map(({ metric, unit }) => [metric.split(' ')[1], unit]));

    expect(Object.fromEntries(units)).toEqual({
      Accepted: 'Count',
      Succeeded: 'Count',
      Failed: 'Count',
      Cancelled: 'Count',
      CostUsd: 'None',
      TimeToResult: 'Seconds',
      OldestWaitingAge: 'Seconds',
      FruitlessLooks: 'Count',
      SecondTask: 'Count',
      InsufficientBalance: 'Count',
    });
  });
});

it('every line is JSON, and every line about a generation names it', () => {
  const lines = environment.logs();

  expect(lines.filter(({ facts }) => facts === undefined)).toEqual([]);
  const nameless = lines.filter(({ facts }) => facts?.generationId === undefined);
  expect(new Set(nameless.map(({ message }) => message))).toEqual(new Set(['Reconciled what was due']));
});

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../client/index.ts';
import type { FunctionName } from '../functions/functions.ts';
import type { LocalService } from '../local/aws/local-service.ts';
import { type FunctionBundle, startEnvironment } from '../local/environment.ts';
import { type Exchange, startCountingProxy } from './counting-proxy.ts';

/** What happens after a task's end at Wiro, in this order. */
export const STEPS = ['callback answered', 'object stored', 'record written', 'event put'] as const;

/** Milliseconds from the task's end at Wiro, by step. */
export type Latency = Readonly<Record<(typeof STEPS)[number], number>>;

const WARM_UP = 5;

/** Runs generations with one small output, one after the other, and takes the time of each step at the service itself. */
export async function measureLatency(
  generations: number,
  bundles: Readonly<Record<FunctionName, FunctionBundle>>,
): Promise<readonly Latency[]> {
  const proxies: LocalService[] = [];
  const at: Partial<Record<(typeof STEPS)[number], number>> = {};
  const watch = async (target = '', step: (typeof STEPS)[number], isIt: (exchange: Exchange) => boolean) => {
    const onExchange = (exchange: Exchange) => {
      if (exchange.status < 300 && isIt(exchange)) at[step] ??= Date.now();
    };
    const proxy = await startCountingProxy({ target, onExchange });
    proxies.push(proxy);
    return proxy.endpoint;
  };
  const environment = await startEnvironment({
    bundles,
    schedule: false,
    simulator: { outputs: 'tiny', balanceUsd: 1_000_000, taskDurationMs: 300 },
    endpointOverrides: async (name, env) =>
      name === 'callback'
        ? {
            AWS_ENDPOINT_URL_S3: await watch(
              env.AWS_ENDPOINT_URL_S3,
              'object stored',
              ({ method }) => method === 'PUT',
            ),
            AWS_ENDPOINT_URL_DYNAMODB: await watch(
              env.AWS_ENDPOINT_URL_DYNAMODB,
              'record written',
              isRecordOfSuccess,
            ),
            AWS_ENDPOINT_URL_EVENTBRIDGE: await watch(
              env.AWS_ENDPOINT_URL_EVENTBRIDGE,
              'event put',
              ({ request }) => request.includes('Succeeded'),
            ),
          }
        : {},
  });
  const client = createClient({ url: environment.endpoints.api, maximumTries: 1 });
  async function runOne(index: number): Promise<Latency> {
    for (const step of STEPS) delete at[step];
    const { id } = await client.submit({
      model: 'wiro/text-to-image',
      parameters: { prompt: `Scene ${index}` },
      idempotencyKey: `latency-${index}`,
    });
    const giveUpAt = performance.now() + 60_000;
    while (at['event put'] === undefined) {
      if (performance.now() > giveUpAt) throw new Error(`Generation ${id} did not end within a minute`);
      await sleep(5);
    }
    await environment.idle();
    const endedAt = environment.simulator?.tasks().at(-1)?.endedAt ?? Number.NaN;
    const answered = environment
      .reports()
      .find(
        ({ functionName, startedAt }) =>
          functionName === environment.endpoints.functions.callback && startedAt.getTime() >= endedAt - 1,
      );
    at['callback answered'] = (answered?.startedAt.getTime() ?? Number.NaN) + (answered?.durationMs ?? 0);
    return Object.fromEntries(STEPS.map((step) => [step, (at[step] ?? Number.NaN) - endedAt])) as Latency;
  }
  try {
    const measured: Latency[] = [];
    for (let index = 0; index < WARM_UP + generations; index += 1) {
      const latency = await runOne(index);
      if (index >= WARM_UP) measured.push(latency);
    }
    return measured;
  } finally {
    await environment.stop();
    await Promise.all(proxies.map((proxy) => proxy.stop()));
  }
}

function isRecordOfSuccess({ target, request }: Exchange): boolean {
  if (target !== 'PutItem') return false;
  const { Item } = JSON.parse(request.toString('utf8'));
  return Item?.sk?.S === 'state' && Item.status?.S === 'succeeded';
}

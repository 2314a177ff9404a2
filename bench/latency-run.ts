import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../client/index.ts';
import type { FunctionName } from '../functions/functions.ts';
import { type FunctionBundle, startEnvironment } from '../local/environment.ts';

/** What happens after a task's end at Wiro, in this order. */
export const STEPS = ['callback answered', 'object stored', 'record written', 'event put'] as const;

/** Milliseconds from the task's end at Wiro, by step. */
export type Latency = Readonly<Record<(typeof STEPS)[number], number>>;

const WARM_UP = 5;
/** Node tells when a server of this process has answered. */
const ANSWERED = 'http.server.response.finish';
interface Answered {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Runs generations with one small output, one after the other, and takes the time of each step at the service itself. */
export async function measureLatency(
  generations: number,
  bundles: Readonly<Record<FunctionName, FunctionBundle>>,
): Promise<readonly Latency[]> {
  const at: Partial<Record<(typeof STEPS)[number], number>> = {};
  const environment = await startEnvironment({
    bundles,
    schedule: false,
    simulator: { outputs: 'tiny', balanceUsd: 1_000_000, taskDurationMs: 300 },
  });
  let [awaited, lastPut] = ['', Number.NaN];
  // The services run in this process. A proxy before them would be measured, too.
  const onAnswered = (message: unknown) => {
    const { request, response } = message as Answered;
    if (response.statusCode >= 300) return;
    const { method, url = '', headers } = request;
    const operation = String(headers['x-amz-target'] ?? method);
    if (operation === 'PUT' && url.includes(`/outputs/${awaited}/`)) at['object stored'] = Date.now();
    if (operation.endsWith('.PutItem')) lastPut = Date.now();
    if (!operation.endsWith('.PutEvents') || at['event put'] !== undefined || !hasSucceeded(awaited)) return;
    at['event put'] = Date.now();
    // The event comes after the record, without another such write between them.
    at['record written'] = lastPut;
  };
  const hasSucceeded = (id: string) =>
    environment.events().some(({ detail }) => detail.id === id && detail.status === 'succeeded');
  subscribe(ANSWERED, onAnswered);
  const client = createClient({ url: environment.endpoints.api, maximumTries: 1 });
  async function runOne(index: number): Promise<Latency> {
    for (const step of STEPS) delete at[step];
    const { id } = await client.submit({
      model: 'wiro/text-to-image',
      parameters: { prompt: `Scene ${index}` },
      idempotencyKey: `latency-${index}`,
    });
    awaited = id;
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
    unsubscribe(ANSWERED, onAnswered);
    await environment.stop();
  }
}

import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { SetupError } from '../../local/setup-error.ts';
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts';
import type { Account } from './account.ts';
import { createApi } from './api.ts';
import { type CallbackRelay, startCallbackRelay } from './callback-relay.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';
import { FLOWS } from './flows/all.ts';
import { PRESETS } from './flows/presets.ts';
import { putPhotos } from './flows/story.ts';
import { findCallbackUrl, findFunction, invokeRegularly } from './functions.ts';
import type { Options, WiroOutside } from './options.ts';
import { CommandError } from './run-command.ts';
import { createSend } from './send.ts';
import { SkippedError } from './skipped-error.ts';
import { createStack, type StackOutputs } from './stack.ts';
import type { Row } from './table.ts';
import { findWiroControl } from './wiro-control.ts';
import { createWorld } from './world.ts';

export interface AcceptDeps {
  readonly account: Account;
  readonly options: Options;
  /** Prints the current step. */
  readonly say: (line: string) => void;
  /** Stops the run. What is deployed is still removed. */
  readonly signal: AbortSignal;
}

const DURATIONS = {
  // A lost callback then costs little time.
  look: 15_000,
  // A busy emulator is slow. Without the model's schema, a wrong request would be accepted.
  modelLimit: 15_000,
};
const INVOKE_EVERY_MS = 5_000;

interface Undo {
  readonly what: string;
  /** @returns A note for the table, if there is one. */
  readonly run: () => Promise<unknown>;
}

/**
 * Deploys the stack, runs all flows, removes everything, and reports how each step ended.
 * @throws {SetupError} If there is nothing to run.
 */
export async function accept({ account, options, say, signal }: AcceptDeps): Promise<readonly Row[]> {
  const { endpoint, functionUrls, keep, patienceMs } = options;
  const flows = FLOWS.filter(
    ({ name }) => options.only.length === 0 || options.only.some((text) => name.includes(text)),
  );
  if (flows.length === 0)
    throw new SetupError(
      `No flow has "${options.only.join('" or "')}" in its name: the table shows them all.`,
    );
  const rows: Row[] = [];
  // All are undone in reverse order, even if one fails.
  const undo: Undo[] = [];
  const step = async <Value>(name: string, run: () => Promise<Value>, note: (value: Value) => string) => {
    say(`${name} …`);
    const startedAt = performance.now();
    const add = (result: Row['result'], text: string) => {
      const seconds = (performance.now() - startedAt) / 1000;
      rows.push({ name, result, seconds, note: text });
      say(`${name}: ${result} after ${seconds.toFixed(1)} s${result === 'passed' ? '' : `: ${text}`}`);
    };
    try {
      const value = await run();
      add('passed', note(value));
      return value;
    } catch (error) {
      add('failed', signal.aborted ? 'interrupted' : messageOf(error));
      if (error instanceof CommandError) say(error.printed);
      return undefined;
    }
  };
  const send = createSend(functionUrls === 'endpoint' ? endpoint : undefined);
  let outputs: StackOutputs | undefined;

  try {
    const wiro = options.wiro ?? (await startWiro(undo));
    say(`Wiro: ${wiro.apiUrl}`);
    let relay: CallbackRelay | undefined;
    if (functionUrls === 'endpoint') {
      relay = await startCallbackRelay(send);
      undo.push({ what: 'the relay of callbacks', run: relay.stop });
    }
    const stack = await createStack({
      account,
      stackName: options.stackName,
      context: {
        wiroApiUrl: wiro.apiUrl,
        wiroSocketUrl: wiro.socketUrl,
        wiroOutputHosts: wiro.outputHosts,
        callbackBaseUrl: relay?.url,
        presets: JSON.stringify(PRESETS),
        durations: JSON.stringify(DURATIONS),
      },
      wiro,
    });
    undo.push({ what: 'temporary files', run: stack.close });
    const deployed = await step(
      'deploy',
      async () => {
        if (!account.isBootstrapped) await stack.bootstrap(signal);
        if (!keep) undo.push({ what: 'the secrets', run: stack.removeSecrets });
        await stack.storeSecrets(signal);
        if (!keep) undo.push({ what: 'the stack', run: stack.destroy });
        return stack.deploy(signal);
      },
      () => options.stackName,
    );
    if (deployed === undefined) return rows;
    outputs = deployed;

    const callbackUrl = await findCallbackUrl(account, stack.parameterPath);
    relay?.leadTo(callbackUrl);
    if (options.reconcile === 'invoke') {
      const name = await findFunction(account, 'reconcile', deployed.table);
      const stop = invokeRegularly(account, name, INVOKE_EVERY_MS);
      undo.push({ what: 'the invocations of reconcile', run: async () => stop() });
    }
    const eventQueue = await listenToBus(account, deployed.eventBus);
    if (!('missing' in eventQueue)) undo.push({ what: 'the rule on the bus', run: eventQueue.remove });
    const worldOptions = {
      account,
      api: createApi(account, send, deployed.apiUrl),
      outputs: deployed,
      // The stack's own default.
      deployment: options.stackName,
      callbackUrl,
      isAws: endpoint === undefined,
      reconciledBy: options.reconcile === 'schedule' ? 'on its schedule' : 'invoked directly',
      send,
      control: await findWiroControl(wiro.apiUrl),
      eventQueue,
    };
    await putPhotos(createWorld(worldOptions, signal));
    const results = await Promise.all(
      flows.map(async ({ name, run }): Promise<Row> => {
        const startedAt = performance.now();
        const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
        const row = await run(createWorld(worldOptions, patience)).then(
          (note) => ({ result: 'passed' as const, note }),
          (error: unknown) =>
            error instanceof SkippedError
              ? { result: 'skipped' as const, note: error.message }
              : { result: 'failed' as const, note: signal.aborted ? 'interrupted' : messageOf(error) },
        );
        const seconds = (performance.now() - startedAt) / 1000;
        say(`${name}: ${row.result} after ${seconds.toFixed(1)} s`);
        return { name, seconds, ...row };
      }),
    );
    rows.push(...results);
  } catch (error) {
    rows.push({ name: 'preparation', result: 'failed', seconds: 0, note: messageOf(error) });
  } finally {
    await step(
      'teardown',
      () => takeDown(undo, keep ? undefined : outputs, account),
      (note) => note,
    );
    if (keep) say(`Kept, as asked: the stack ${options.stackName} and its secrets.`);
  }
  return rows;
}

async function startWiro(undo: Undo[]): Promise<WiroOutside> {
  const simulator: Simulator = await startSimulator({ taskDurationMs: 2_000, concurrencyLimit: null });
  undo.push({ what: 'the simulator', run: simulator.stop });
  return {
    apiUrl: simulator.apiUrl,
    socketUrl: simulator.socketUrl,
    outputHosts: simulator.outputHost,
    apiKey: simulator.apiKey,
    apiSecret: simulator.apiSecret,
  };
}

async function listenToBus(
  account: Account,
  eventBus: string,
): Promise<EventQueue | { readonly missing: string }> {
  try {
    return await createEventQueue(account, eventBus);
  } catch (error) {
    return { missing: `no queue could be put behind the bus: ${messageOf(error)}` };
  }
}

async function takeDown(
  undo: readonly Undo[],
  outputs: StackOutputs | undefined,
  { s3 }: Pick<Account, 's3'>,
): Promise<string> {
  const done: string[] = [];
  const failures: string[] = [];
  for (const { what, run } of undo.toReversed())
    await run().then(
      (remark) => done.push(typeof remark === 'string' && remark ? `${what} (${remark})` : what),
      (error: unknown) => failures.push(`cannot remove ${what}: ${messageOf(error)}`),
    );
  if (outputs)
    for (const Bucket of [outputs.inputBucket, outputs.outputBucket]) {
      const isThere = await s3.send(new HeadBucketCommand({ Bucket })).then(
        () => true,
        () => false,
      );
      if (isThere) failures.push(`the bucket ${Bucket} is still there`);
    }
  if (failures.length > 0) throw new Error(failures.join('; '));
  return done.join(', ');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, name, cause } = error;
  return `${message || name}${cause instanceof Error ? ` (${cause.message})` : ''}`;
}

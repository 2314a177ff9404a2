import { describe, expect, it } from 'vitest';
import type { FunctionName } from '../../functions/functions.ts';
import { eventually } from '../support/eventually.ts';
import { type PlannedFault, startSystem } from '../support/system.ts';
import { labelledBundles } from './labelled-bundles.ts';

const [old, current] = await Promise.all([labelledBundles('old'), labelledBundles('new')]);
const system = await startSystem({
  bundles: old,
  scheduleMs: 1_500,
  maximumEnvironments: 2,
  // Once a Run is lost, it stays so until both releases have been at work.
  durations: { markLease: 16_000, runLimit: 15_000, runSendLimit: 10_000, headers: 20_000, stall: 20_000 },
});
const { environment, simulator } = system;

/** Of the simulator's time: a hundredth of it is ours. */
const LONG_MS = 1_200_000;
const lostCallback: PlannedFault = { operation: 'callback', fault: { kind: 'lost' } };
const longTask: PlannedFault = { operation: 'task', fault: { kind: 'lasts', durationMs: LONG_MS } };
const lateAnswer: PlannedFault = { operation: 'Run', times: 1, fault: { kind: 'slow', delayMs: LONG_MS } };
const lostAnswer: PlannedFault = { operation: 'Run', times: 1, fault: { kind: 'reset', work: 'done' } };
const slowOutput: PlannedFault = { operation: 'cdn', times: 1, fault: { kind: 'slow', delayMs: LONG_MS } };

async function submit(...faults: readonly PlannedFault[]): Promise<string> {
  const { id, idempotencyKey } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

const submitMany = (count: number) => Promise.all(Array.from({ length: count }, () => submit()));

/** Which releases have served a function since a line of the log. */
const servedBy = (name: FunctionName, from: number): readonly unknown[] => [
  ...new Set(
    environment
      .logs()
      .slice(from)
      .filter(({ functionName }) => functionName === environment.endpoints.functions[name])
      .flatMap(({ message, facts }) => (message === 'Served' ? [facts?.release] : [])),
  ),
];

const inPhase = (id: string | undefined, phase: string) =>
  eventually(`a generation that is ${phase}`, async () => phaseOf(await system.item(id ?? '')) === phase);

const phaseOf = (item: Readonly<Record<string, unknown>> | undefined): string => {
  if (item?.status === 'queued') return item.waiting ? 'waiting' : 'queued';
  if (item?.status === 'submitting') return item.run ? 'marked' : 'submitting';
  return String(item?.status);
};

describe('the functions are replaced, one after the other, while generations are in flight', () => {
  it('and none is lost, none has two tasks, whichever release takes it up', async () => {
    const marked = await submit(lostAnswer, lostCallback);
    const collecting = await submit(slowOutput);
    const ids = [marked, collecting, await submit(lateAnswer), await submit(longTask)];
    const running = await submit(longTask, lostCallback);
    await inPhase(marked, 'marked');
    await inPhase(collecting, 'collecting');
    await inPhase(running, 'running');
    simulator.set({ concurrencyLimit: 2 });
    const waiting = await submitMany(3);
    await inPhase(waiting.at(-1), 'waiting');
    // Still so: one that runs is `collecting` for the moment in which `reconcile` has it looked at.
    await inPhase(marked, 'marked');
    await inPhase(collecting, 'collecting');
    await inPhase(running, 'running');
    ids.push(running, ...waiting);

    // As in an update of a stack, some functions are new while others are still old.
    const firstReplaced = environment.logs().length;
    await environment.deploy({ ...old, api: current.api, submit: current.submit });
    environment.retire();
    ids.push(...(await submitMany(2)));
    await eventually(
      'both releases at work',
      () =>
        servedBy('submit', firstReplaced).includes('new') &&
        servedBy('callback', firstReplaced).includes('old'),
    );
    const secondReplaced = environment.logs().length;
    await environment.deploy(current);
    environment.retire();
    const records = await Promise.all(ids.map(system.ended));

    expect(records.map(({ status, attempt }) => [status, attempt])).toEqual(ids.map(() => ['succeeded', 1]));
    expect(records.map(({ id, taskId }) => [id, [taskId]])).toEqual(
      ids.map((id) => [id, system.tasksOf(id).map((task) => task.id)]),
    );
    expect(simulator.tasks()).toHaveLength(ids.length);
    // What the old release had begun, the new one has ended.
    expect(servedBy('callback', secondReplaced)).toContain('new');
  });

  it('and once the old environments have ended, the new release alone serves', async () => {
    await environment.idle();
    const from = environment.logs().length;

    await system.ended(await submit());

    for (const name of ['api', 'submit', 'callback'] as const)
      expect([name, servedBy(name, from)]).toEqual([name, ['new']]);
  });
});

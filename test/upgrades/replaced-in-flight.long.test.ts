import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generationId } from '../../functions/request/identity.ts';
import { eventually } from '../support/eventually.ts';
import type { PlannedFault } from '../support/system.ts';
import { RELEASES } from './fixtures.ts';
import { allOf, presentCode, type ReleaseCode, releasedCode, startReplaceable } from './release-code.ts';

const [earlier, present] = await Promise.all([releasedCode(RELEASES.at(-1) ?? ''), presentCode()]);
const system = await startReplaceable(allOf(earlier), {
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
const takesMs = (operation: 'Run' | 'cdn', delayMs: number): PlannedFault => ({
  operation,
  times: 1,
  fault: { kind: 'slow', delayMs },
});
const lateAnswer = takesMs('Run', LONG_MS);
const lostAnswer: PlannedFault = { operation: 'Run', times: 1, fault: { kind: 'reset', work: 'done' } };
const slowOutput = takesMs('cdn', LONG_MS);

async function submit(...faults: readonly PlannedFault[]): Promise<string> {
  const { id, idempotencyKey } = system.plan(...faults);
  await system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A hill' }, idempotencyKey });
  return id;
}

const submitMany = (count: number) => Promise.all(Array.from({ length: count }, () => submit()));

const inPhase = (id: string | undefined, phase: string) =>
  eventually(`a generation that is ${phase}`, async () => phaseOf(await system.item(id ?? '')) === phase);

const phaseOf = (item: Readonly<Record<string, unknown>> | undefined): string => {
  if (item?.status === 'queued') return item.waiting ? 'waiting' : 'queued';
  if (item?.status === 'submitting') return item.run ? 'marked' : 'submitting';
  return String(item?.status);
};

/** An event that asks for a generation, to be delivered more than once. */
function requestEvent() {
  const id = randomUUID();
  const detail = { model: 'wiro/text-to-image', parameters: { prompt: 'A hill' } };
  return {
    id: generationId('local', 'event', JSON.stringify(['event', id])),
    deliver: () =>
      environment.invoke('submit', { id, source: 'shop', 'detail-type': 'Generation Requested', detail }),
  };
}

/** As in an update of a stack, some functions are of one release while others are still of the other. */
async function replaceInTwoSteps(from: ReleaseCode, to: ReleaseCode): Promise<readonly string[]> {
  const start = environment.logs().length;
  await system.replace({ ...allOf(from), api: to, submit: to });
  const submitted = await submitMany(2);
  await eventually(
    'both releases at work',
    () =>
      system.servedBy('submit', start).includes(to.release) &&
      system.servedBy('callback', start).includes(from.release),
  );
  await system.replace(allOf(to));
  return submitted;
}

async function expectEachOnce(ids: readonly string[]): Promise<void> {
  const records = await Promise.all(ids.map(system.ended));

  expect(records.map(({ status, attempt }) => [status, attempt])).toEqual(ids.map(() => ['succeeded', 1]));
  expect(records.map(({ id, taskId }) => [id, [taskId]])).toEqual(
    ids.map((id) => [id, system.tasksOf(id).map((task) => task.id)]),
  );
}

/** Everything that is invoked from now on is of one release. */
async function expectAlone({ release }: ReleaseCode): Promise<void> {
  await environment.idle();
  const from = environment.logs().length;

  await system.ended(await submit());

  for (const name of ['api', 'submit', 'callback'] as const)
    expect([name, system.servedBy(name, from)]).toEqual([name, [release]]);
}

describe('the functions are replaced, one after the other, while generations are in flight', () => {
  it('by the next release: none is lost, none has two tasks, whichever takes it up', async () => {
    const event = requestEvent();
    await event.deliver();
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
    const replaced = environment.logs().length;

    ids.push(event.id, running, ...waiting, ...(await replaceInTwoSteps(earlier, present)));
    await event.deliver();

    await expectEachOnce(ids);
    // What the earlier release had begun, the next one has ended.
    expect(system.servedBy('callback', replaced)).toContain(present.release);
    await expectAlone(present);
  });

  it('by the release before: again none is lost, none has two tasks', async () => {
    await system.replace(allOf(present));
    simulator.set({ concurrencyLimit: null });
    const event = requestEvent();
    await event.deliver();
    const ids = await Promise.all([
      submit(takesMs('cdn', 400_000)),
      submit(takesMs('Run', 400_000)),
      submit(lostCallback),
    ]);
    await eventually('their tasks', () => ids.every((id) => system.tasksOf(id).length > 0));
    simulator.set({ concurrencyLimit: 0 });
    const waiting = await submitMany(3);
    await inPhase(waiting.at(-1), 'waiting');
    simulator.set({ concurrencyLimit: 2 });
    const replaced = environment.logs().length;

    ids.push(event.id, ...waiting, ...(await replaceInTwoSteps(present, earlier)));
    await event.deliver();

    await expectEachOnce(ids);
    expect(system.servedBy('callback', replaced)).toContain(earlier.release);
    await expectAlone(earlier);
  });
});

import type { Call, Place } from './calls.ts';
import type { Expected, Flow } from './flows.ts';
import { findProblems, unfinished } from './outcome.ts';
import { patiently } from './patiently.ts';
import type { World } from './world.ts';

/** How one run of a flow went. */
export interface FlowRun {
  readonly calls: readonly Call[];
  /** Who was killed; `undefined` when the call that was to be met did not come. */
  readonly killed?: string;
  /** What is wrong in the end; empty when nothing is. */
  readonly problems: readonly string[];
  /** It got no further in time: a fault, or a machine with too much else to do. */
  readonly isStuck?: true;
  /** Where things stand, for whoever looks into a problem. */
  readonly state?: string;
  readonly durationMs: number;
}

const SHOWN_LOGS = 60;

/**
 * Runs a flow once in a world, with a kill at one of its calls, lets the system recover by itself, and compares what
 * became of it with what was to become of it.
 */
export async function runFlow(
  world: World,
  flow: Flow,
  {
    target,
    isCold = false,
  }: { readonly target?: { readonly call: Call; readonly place: Place }; readonly isCold?: boolean } = {},
): Promise<FlowRun> {
  const { environment, simulator, recorder } = world;
  const begun = performance.now();
  await world.clear();
  const before = {
    chargedUsd: simulator.chargedUsd(),
    uploads: simulator.uploads().length,
    logs: environment.logs().length,
    events: environment.events().length,
  };
  let calls: readonly Call[] = [];
  let problems: readonly string[];
  let isStuck = false;
  try {
    const prepared = (await flow.prepare?.(world)) ?? [];
    await world.idle();
    if (isCold) await world.cool();
    recorder.start(target);
    const played = await flow.play(world);
    await settled(world, played, before.events);
    calls = recorder.stop();
    const expected = [...prepared, ...played];
    if (flow.release) {
      await flow.release(world);
      await settled(world, expected, before.events);
    }
    const items = await patiently('the gate', world.patienceMs, async () => {
      const standing = await world.items();
      return unfinished(standing).length === 0 && standing;
    });
    const isKilled = world.lastKill() !== undefined;
    const fewest = isKilled && flow.goesByLinksOnceLost ? 0 : flow.uploads;
    problems = await findProblems(world, items, expected, before, {
      expected: fewest,
      // With a process go the uploads that it was at, all of them perhaps: those files go to Wiro once more.
      orphans: isKilled ? 2 * flow.uploads - fewest : 0,
    });
  } catch (error) {
    calls = recorder.stop();
    isStuck = true;
    problems = [describe(error), ...unfinished(await world.items())];
  }
  const killed = world.lastKill();
  return {
    calls,
    ...(killed !== undefined && { killed }),
    problems,
    ...(isStuck && { isStuck }),
    ...(problems.length > 0 && { state: await describeState(world, before.logs) }),
    durationMs: performance.now() - begun,
  };
}

/** Over, told, and nothing under way any more, repeated invocations included. */
async function settled(world: World, expected: readonly Expected[], since: number): Promise<void> {
  const ids = expected.map(({ id }) => id);
  // The bus is in this process: looking there costs the system under test nothing.
  await patiently(`the end of ${ids}`, world.patienceMs, () => {
    const told = world.environment.events().slice(since);
    const ended = new Set(
      told.filter(({ detail }) => detail.status !== 'running').map(({ detail }) => detail.id),
    );
    return ids.every((id) => ended.has(id));
  });
  await patiently(
    `nothing to be due of ${ids}`,
    world.patienceMs,
    async () => unfinished(await world.states(ids)).length === 0,
  );
  await world.idle();
}

async function describeState({ environment, items, simulator }: World, since: number): Promise<string> {
  const shown = (value: unknown) =>
    JSON.stringify(value, (_, part) => (part instanceof Set ? [...part] : part));
  const logs = environment.logs().slice(since).slice(-SHOWN_LOGS);
  return [
    '  table:',
    ...(await items()).map((item) => `    ${shown(item)}`),
    '  tasks at Wiro:',
    ...simulator
      .tasks()
      .slice(-4)
      .map(({ id, status, callbackUrl }) => `    ${id} ${status} ${callbackUrl}`),
    '  last log lines:',
    ...logs.map(
      ({ at, functionName, level, message, facts }) =>
        `    ${at.toISOString().slice(17, 23)} ${functionName} ${level} ${message} ${facts ? shown(facts) : ''}`,
    ),
  ].join('\n');
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message + (error.cause === undefined ? '' : `: ${describe(error.cause)}`);
}

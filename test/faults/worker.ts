import type { Call } from './calls.ts';
import { FLOWS, type Flow } from './flows.ts';
import type { Job, JobResult, Message, WorkerSetup } from './pool.ts';
import { runFlow } from './run-flow.ts';
import { startWorld, type World } from './world.ts';

// A process of its own with one world in it: runs one flow after the other, as it is told.
let setup: WorkerSetup | undefined;
let world: Promise<World> | undefined;
let settings: Flow['settings'];

async function run(job: Job): Promise<JobResult> {
  const result = job.target === undefined ? await record(job) : await runOnce(job);
  if (result.problems.length > 0) {
    // What went wrong may go on: the next one gets a world of its own.
    await (await world)?.stop();
    world = undefined;
  }
  return result;
}

/** The calls of a warm run, which are the same each time, and those that only a cold start makes. */
async function record(job: Job): Promise<JobResult> {
  const isNew = world === undefined;
  const first = await runOnce(job);
  if (first.problems.length > 0 || !(isNew || job.isCold)) return first;
  const second = await runOnce({ flow: job.flow });
  const isOfStart = ({ operation }: Call) => operation.startsWith('SSM.');
  const calls = [...first.calls.filter(isOfStart), ...second.calls.filter((call) => !isOfStart(call))];
  return { ...second, calls };
}

async function runOnce({ flow: name, target, isCold = false }: Job): Promise<JobResult> {
  const flow = FLOWS.find((one) => one.name === name);
  if (flow === undefined) throw new Error(`There is no flow "${name}"`);
  if (setup === undefined) throw new Error('Nobody said what to work with');
  if (settings !== flow.settings) {
    await (await world)?.stop();
    world = undefined;
  }
  settings = flow.settings;
  world ??= startWorld({ ...setup, settings });
  return runFlow(await world, flow, { isCold, ...(target && { target }) });
}

process.on('message', (message: Message) => {
  if ('setup' in message) {
    setup = message.setup;
    return;
  }
  run(message.job).then(
    (result) => process.connected && process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', async () => {
  await (await world?.catch(() => undefined))?.stop();
  process.exit();
});

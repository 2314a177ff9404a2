import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openArchive } from '../../../local/simulator/archive.ts';
import { startWorld } from './world.ts';

async function archiveDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wiro-archive-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

it('remembers ended tasks with their outputs, and finishes the others', async () => {
  const archiveDir = await archiveDirectory();
  const first = await startWorld({ archiveDir });
  first.simulator.faults.add({ operation: 'task', match: { nth: 2 }, fault: { kind: 'stuck' } });
  const input = await first.upload(Uint8Array.of(1, 2, 3));
  const done = await first.run({ inputImageUrl: input.url }, 'wiro/story-maker-multi-character-consistency');
  await first.ended(done);
  const before = await first.detail(done);
  const open = await first.run();
  await first.simulator.stop();

  const second = await startWorld({ archiveDir });
  const after = await second.detail(done);
  const [output] = after.outputs;
  const bytes = await (await fetch(output?.url ?? '')).arrayBuffer();
  const killed = await second.taskWhen(open, ({ status }) => status === 'task_start');
  await second.call('Task/Kill', { taskid: open });
  // Uploads stay, also under the address that they had.
  const again = await second.run(
    { inputImageUrl: input.url },
    'wiro/story-maker-multi-character-consistency',
  );

  expect(after).toMatchObject({ status: 'task_postprocess_end', pexit: '0', totalcost: before.totalcost });
  expect(String(bytes.byteLength)).toBe(output?.size);
  expect(killed.isOver).toBe(false);
  expect((await second.detail(open)).status).toBe('task_cancel');
  expect((await second.ended(again)).exitCode).toBe('0');
  expect(Number(again)).toBeGreaterThan(Number(open));
});

it('keeps a limited number of tasks and files', async () => {
  const archiveDir = await archiveDirectory();
  const { run, ended, simulator } = await startWorld({ archiveDir });
  for (let count = 0; count < 4; count += 1) await ended(await run());
  const ids = simulator.tasks().map(({ id }) => id);
  await simulator.stop();

  const { tasks } = openArchive(archiveDir, { keptTasks: 2, keptFiles: 1 });

  expect(tasks.map(({ id }) => id)).toEqual(ids.slice(2));
  expect(await readdir(join(archiveDir, 'tasks'))).toHaveLength(2);
  expect(await readdir(join(archiveDir, 'bytes'))).toHaveLength(1);
});

it('runs on if its directory is deleted', async () => {
  const archiveDir = await archiveDirectory();
  const warned = vi.spyOn(console, 'error').mockReturnValue(undefined);
  const { run, ended } = await startWorld({ archiveDir });
  await rm(archiveDir, { recursive: true });

  const task = await ended(await run());

  expect(task.exitCode).toBe('0');
  expect(warned.mock.calls).toEqual([[expect.stringContaining('cannot keep its tasks')]]);
});

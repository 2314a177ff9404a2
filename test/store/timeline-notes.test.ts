import { expect, it, vi } from 'vitest';
import { log } from '../../functions/runtime/log.ts';
import { createTimelineNotes } from '../../functions/store/timeline-notes.ts';
import { at, EXAMPLES } from '../generation/examples.ts';
import { createMemoryTable } from './memory-table.ts';

it('a note whose code cannot be loaded is logged, and the write that it belongs to stands', async () => {
  const warn = vi.spyOn(log, 'warn').mockReturnValue(undefined);
  const { running } = EXAMPLES;
  const before = { ...running, callback: { seenAt: at(1) } };
  const load = () => Promise.reject(new Error('too many open files'));

  await createTimelineNotes(createMemoryTable(), load)(before, { ...running, callback: { seenAt: at(2) } });

  expect(warn.mock.calls).toMatchObject([
    [expect.any(String), { why: 'the timeline lacks an entry', generationId: running.id }],
  ]);
});

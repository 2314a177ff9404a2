import assert from 'node:assert/strict';
import type { Flow } from '../flow.ts';
import { STORY } from './story.ts';
import { describe } from './success.ts';

const LONG_MS = 3_600_000;

export const cancel: Flow = {
  name: 'a running generation is cancelled',
  run: async (world) => {
    const { idempotencyKey, id } = world.plan();
    if (world.canFail)
      await world.fault(id, { operation: 'task', fault: { kind: 'lasts', durationMs: LONG_MS } });
    await world.api.submit({ ...STORY, idempotencyKey });
    await world.until(`a task of ${id}`, async () => {
      const { status } = await world.api.read(id);
      return status === 'queued' || status === 'submitting' ? undefined : status;
    });

    const { status, body } = await world.api.call('POST', `/generations/${id}/cancel`);
    const record = await world.ended(id);

    assert.equal(status, 202, `Cancel answered ${status}: ${JSON.stringify(body)}`);
    // A real task may end before the cancellation reaches it. Its outputs are kept.
    if (!world.canFail && record.status === 'succeeded') return 'the task was faster: succeeded';
    assert.equal(record.status, 'cancelled', describe(record));
    assert.ok(record.cancelRequestedAt, 'The record does not say when cancellation was requested');
    if (!world.canFail) return 'cancelled';
    const [task] = (await world.tasksOf(id)) ?? [];
    assert.ok(task?.isOver, 'The task still runs at Wiro');
    assert.equal(task.costUsd, 0);
    return `task ${task.status}`;
  },
};

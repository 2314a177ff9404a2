import assert from 'node:assert/strict';
import type { Flow } from '../flow.ts';
import { STORY } from './story.ts';

export const idempotency: Flow = {
  name: 'the same request twice is one generation',
  run: async (world) => {
    const { idempotencyKey, id } = world.plan();
    const request = { ...STORY, idempotencyKey };

    const together = await Promise.all([world.api.submit(request), world.api.submit(request)]);
    await world.ended(id);
    const later = await world.api.submit(request);
    const other = await world.api.call(
      'POST',
      '/generations',
      JSON.stringify({ ...request, parameters: { prompt: 'Another' } }),
    );

    assert.deepEqual(
      [...together, later].map((record) => record.id),
      [id, id, id],
    );
    assert.equal(later.status, 'succeeded');
    assert.deepEqual([other.status, errorCode(other.body)], [409, 'idempotency_conflict']);
    const tasks = await world.tasksOf(id);
    if (tasks) assert.equal(tasks.length, 1, 'Wiro ran it more than once');
    return '3 requests, 1 task; another request with its key: 409';
  },
};

export function errorCode(body: unknown): unknown {
  const { error } = (body ?? {}) as { error?: { code?: unknown } };
  return error?.code;
}

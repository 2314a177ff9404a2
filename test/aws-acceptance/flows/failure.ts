import assert from 'node:assert/strict';
import type { Flow } from '../flow.ts';
import { STORY } from './story.ts';
import { describe } from './success.ts';

export const failure: Flow = {
  name: 'a failed task is a failed generation',
  run: async (world) => {
    const { idempotencyKey, id } = world.plan();
    await world.fault(id, { operation: 'task', fault: { kind: 'fails', message: 'CUDA out of memory' } });
    await world.api.submit({ ...STORY, idempotencyKey });

    const record = await world.ended(id);

    assert.equal(record.status, 'failed', describe(record));
    assert.equal(record.error?.code, 'model_failed', describe(record));
    assert.deepEqual(record.outputs, []);
    return `${record.error.code}: ${record.error.message}`;
  },
};

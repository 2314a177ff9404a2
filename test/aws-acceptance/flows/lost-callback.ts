import assert from 'node:assert/strict';
import type { Flow } from '../flow.ts';
import { STORY } from './story.ts';
import { checkOutput, describe } from './success.ts';

export const lostCallback: Flow = {
  name: 'a lost callback loses no result',
  run: async (world) => {
    const { idempotencyKey, id } = world.plan();
    await world.fault(id, { operation: 'callback', fault: { kind: 'lost' } });
    await world.api.submit({ ...STORY, idempotencyKey });

    const record = await world.ended(id);

    assert.equal(record.status, 'succeeded', describe(record));
    for (const output of record.outputs) await checkOutput(world, record, output);
    assert.equal(await world.wasCalledBack(id), false, 'The callback came after all');
    return `found by reconcile, ${world.reconciledBy}`;
  },
};

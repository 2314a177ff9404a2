import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Flow } from '../flow.ts';
import { STORY } from './story.ts';
import { checkOutput, describe } from './success.ts';

const TOLD = ['Generation Running', 'Generation Succeeded'];

export const announced: Flow = {
  name: 'its events reach a rule on the bus',
  run: async (world) => {
    // If no event can be received, do not run and pay for a task.
    world.events();
    const { id } = await world.api.submit({ ...STORY, labels: { flow: 'events' } });

    const events = await world.until(`"${TOLD.join('" and "')}" for ${id}`, () => {
      const seen = world.events().filter(({ detail }) => detail.id === id);
      return TOLD.every((type) => seen.some((event) => event['detail-type'] === type)) ? seen : undefined;
    });

    for (const { source, detail } of events) {
      assert.equal(source, 'wiro.generations');
      assert.deepEqual(detail.labels, { flow: 'events' });
      assert.equal(typeof detail.eventId, 'string');
    }
    const ids = new Set(events.map(({ detail }) => detail.eventId));
    assert.equal(ids.size, TOLD.length, 'Each event must have its own id');
    return TOLD.join(', ');
  },
};

export const requested: Flow = {
  name: 'an event on the bus starts a generation',
  run: async (world) => {
    const idempotencyKey = randomUUID();
    const id = world.idOf('event', JSON.stringify(['key', idempotencyKey]));
    await world.publish('Generation Requested', { ...STORY, idempotencyKey });

    const record = await world.ended(id);

    assert.equal(record.status, 'succeeded', describe(record));
    for (const output of record.outputs) await checkOutput(world, record, output);
    return `${record.outputs.length} image(s)`;
  },
};

export const rejectedEvent: Flow = {
  name: 'a wrong event is answered by another event',
  run: async (world) => {
    world.events();
    const requestEventId = await world.publish('Generation Requested', { ...STORY, model: 'no-owner' });

    const { detail } = await world.until(`"Generation Rejected" for ${requestEventId}`, () =>
      world
        .events()
        .find(
          (event) =>
            event['detail-type'] === 'Generation Rejected' && event.detail.requestEventId === requestEventId,
        ),
    );

    const { code, field } = detail.error as { readonly code: unknown; readonly field: unknown };
    assert.deepEqual([code, field], ['invalid_parameter', 'model']);
    return `${code} at ${field}`;
  },
};

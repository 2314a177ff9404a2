import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { GenerationRecord } from '../../../functions/api/record.ts';
import { PREFIX } from '../../../functions/objects/prefix.ts';
import type { Flow } from '../flow.ts';
import type { World } from '../world.ts';
import { STORY } from './story.ts';

export const success: Flow = {
  name: 'two photos and a prompt become images',
  run: async (world) => {
    const { id } = await world.api.submit({ ...STORY, labels: { flow: 'success' } });

    const record = await world.ended(id);

    assert.equal(record.status, 'succeeded', describe(record));
    assert.ok(record.outputs.length > 0, 'There are no outputs');
    assert.deepEqual([record.inputs, record.labels], [STORY.inputs, { flow: 'success' }]);
    for (const output of record.outputs) await checkOutput(world, record, output);
    const tasks = await world.tasksOf(id);
    if (tasks) assert.equal(tasks.length, 1, 'There must be one task');
    assert.ok(
      await world.wasCalledBack(id),
      "Wiro's callback did not come: it was reconcile that found the end",
    );
    const bytes = record.outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return `${record.outputs.length} image(s), ${bytes.toLocaleString('en')} bytes, by callback`;
  },
};

/** Checks that the object in S3 matches the record, and that the link leads to it. */
export async function checkOutput(
  { object, send, outputs }: Pick<World, 'object' | 'send' | 'outputs'>,
  { id }: Pick<GenerationRecord, 'id'>,
  { bucket, key, sha256, sizeBytes, contentType, url }: GenerationRecord['outputs'][number],
): Promise<void> {
  assert.equal(bucket, outputs.outputBucket);
  assert.ok(key.startsWith(`${PREFIX.outputs}${id}/`), `The key ${key} is not below the generation's`);
  const stored = await object(key, bucket);
  assert.deepEqual(
    { sha256: stored?.sha256, sizeBytes: stored?.bytes.length, contentType: stored?.contentType },
    { sha256, sizeBytes, contentType },
    `s3://${bucket}/${key} is not what its record says`,
  );
  const { status, body } = await send({ method: 'GET', url });
  assert.equal(status, 200, `The link to ${key} answered ${status}: ${body.toString('utf8', 0, 200)}`);
  assert.equal(createHash('sha256').update(body).digest('hex'), sha256, `The link to ${key} leads elsewhere`);
}

export const describe = ({ status, error }: Pick<GenerationRecord, 'status' | 'error'>) =>
  `It ended as ${status}${error ? `: ${error.code}, ${error.message}` : ''}`;

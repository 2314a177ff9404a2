import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PREFIX } from '../../../functions/objects/prefix.ts';
import type { Flow } from '../flow.ts';
import { SkippedError } from '../skipped-error.ts';
import { describe } from './success.ts';

const MIB = 1024 * 1024;

/** One byte more than whole parts, so that the last part is as short as possible. */
export const largeOutputs: readonly Flow[] = [20, 100].map((megabytes) => ({
  name: `an output of ${megabytes} MB is stored byte for byte`,
  run: async (world) => {
    if (!world.canFail)
      throw new SkippedError('this Wiro is no simulator: it makes no output of a chosen size');
    const bytes = megabytes * MIB + 1;
    const { id } = await world.api.submit({
      model: 'wiro/simulated-video',
      parameters: { prompt: `${megabytes} MB of waves`, bytes },
      labels: { flow: 'large-output' },
    });

    const end = await world.until(`the end of generation ${id}`, async () => {
      const record = await world.api.read(id);
      if (record.endedAt !== undefined) return { record };
      // A service of the deployment failed. It is a fault of ours unless S3 itself proves to be at fault.
      const fault =
        record.waitingFor?.code === 'internal_error' ? await world.findChecksumFault() : undefined;
      return fault === undefined ? undefined : { fault };
    });
    if ('fault' in end) {
      const keys = await world.keys(world.outputs.outputBucket, `${PREFIX.outputs}${id}/`);
      assert.deepEqual(keys, [], 'S3 has stored what it refused');
      throw new SkippedError(end.fault);
    }

    const { record } = end;
    assert.equal(record.status, 'succeeded', describe(record));
    const [output, ...others] = record.outputs;
    assert.ok(output && others.length === 0, 'There must be one output');
    const [task] = (await world.tasksOf(id)) ?? [];
    const made = await hashOf(await fetch(task?.outputUrls[0] ?? '', { signal: world.signal }));
    assert.equal(made.sizeBytes, bytes);
    const { sha256, sizeBytes, bucket, key, url } = output;
    assert.deepEqual({ sha256, sizeBytes }, made, 'The record differs from the bytes that Wiro serves');
    assert.deepEqual(
      await world.digest(key, bucket),
      made,
      `s3://${bucket}/${key} holds other bytes than Wiro serves`,
    );
    const { status, body } = await world.send({ method: 'GET', url });
    assert.equal(status, 200, `The link to ${key} answered ${status}`);
    assert.equal(
      createHash('sha256').update(body).digest('hex'),
      made.sha256,
      `The link to ${key} leads elsewhere`,
    );
    return `${sizeBytes.toLocaleString('en')} bytes, SHA-256 ${made.sha256.slice(0, 12)}…`;
  },
}));

async function hashOf({ status, body }: Response) {
  assert.ok(status === 200 && body, `Wiro's own output answered ${status}`);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

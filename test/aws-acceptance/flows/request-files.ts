import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Flow } from '../flow.ts';
import type { World } from '../world.ts';
import { STORY } from './story.ts';
import { checkOutput } from './success.ts';

interface Results {
  readonly total: number;
  readonly pending: number;
  readonly results: readonly {
    readonly index: number;
    readonly id: string;
    readonly status: string;
    readonly outputs: readonly unknown[];
  }[];
}

interface Rejection {
  readonly errors: readonly { readonly code: string; readonly field?: string; readonly message: string }[];
}

export const requestFile: Flow = {
  name: 'a request file in S3 leaves a results file',
  run: async (world) => {
    const name = `two stories ${randomUUID()}.json`;
    const requests = [STORY, { ...STORY, parameters: { ...STORY.parameters, prompt: 'On the moon' } }];
    await world.put(`requests/${name}`, JSON.stringify(requests), 'application/json');

    const { results, total } = await world.until(`both ends under results/${name}/`, async () => {
      const [key] = await world.keys(world.outputs.inputBucket, `results/${name}/`);
      const found = key === undefined ? undefined : await readJson<Results>(world, key);
      return found?.pending === 0 ? found : undefined;
    });

    assert.equal(total, requests.length);
    assert.deepEqual(
      results.map(({ index, status }) => [index, status]),
      [
        [0, 'succeeded'],
        [1, 'succeeded'],
      ],
      JSON.stringify(results),
    );
    for (const { id } of results) {
      const record = await world.api.read(id);
      for (const output of record.outputs) await checkOutput(world, record, output);
    }
    return `${results.length} results`;
  },
};

export const rejectedFile: Flow = {
  name: 'a wrong request file is rejected as a whole',
  run: async (world) => {
    const name = `${randomUUID()}.json`;
    const wrong = { ...STORY, inputs: { ...STORY.inputs, inputImage: 'no/such.png' } };
    await world.put(`requests/${name}`, JSON.stringify([STORY, wrong]), 'application/json');

    const { errors } = await world.until(`rejected/${name}`, () =>
      readJson<Rejection>(world, `rejected/${name}`),
    );

    assert.deepEqual(
      errors.map(({ code, field }) => [code, field]),
      [['input_not_found', '[1].inputs.inputImage']],
    );
    const results = await world.keys(world.outputs.inputBucket, `results/${name}`);
    assert.deepEqual(results, [], 'A part of it was run');
    return errors.map(({ code, field }) => `${code} at ${field}`).join(', ');
  },
};

async function readJson<Content>(
  { object }: Pick<World, 'object'>,
  key: string,
): Promise<Content | undefined> {
  const found = await object(key);
  return found && (JSON.parse(found.bytes.toString('utf8')) as Content);
}

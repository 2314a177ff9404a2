import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PutItemCommand } from '../../functions/aws/dynamodb.ts';
import type { Generation } from '../../functions/generation/generation.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createGenerationStore, type GenerationStore } from '../../functions/store/generation-store.ts';
import { NewerVersionError, readable } from '../../functions/store/stored-version.ts';
import { EXAMPLES } from '../generation/examples.ts';
import { doFirst, useTables } from '../store/table-world.ts';

const { createWorld } = useTables();
const { id } = EXAMPLES.succeeded;
const request = { model: 'wiro/flux', parameters: {}, inputs: {}, labels: {} };
const KEY = { pk: `generation#${id}` };

/** A generation with its three items, each of which can be written over as another release would. */
async function storedWorld(example: Generation = EXAMPLES.succeeded) {
  const { table, item } = await createWorld();
  const store = createGenerationStore(table);
  await store.accept(example, request);
  await store.putOutputs(id, { attempt: 1, revision: 1, outputs: [] });
  const sorts = { state: 'state', request: `request#${example.requestHash}`, outputs: 'outputs#1' };
  return {
    table,
    store,
    itemOf: (which: keyof typeof sorts) => item(KEY.pk, sorts[which]),
    async write(which: keyof typeof sorts, over: Record<string, unknown>) {
      const standing = await item(KEY.pk, sorts[which]);
      const Item = marshall({ ...standing, ...over }, { removeUndefinedValues: true });
      await table.client.send(new PutItemCommand({ TableName: table.tableName, Item }));
    },
  };
}

const advance = (current: Generation): Generation => ({ ...current, looks: current.looks + 1 });

describe('what a newer release has written', () => {
  const ways: Record<string, (store: GenerationStore) => Promise<unknown>> = {
    get: (store) => store.get(id),
    whole: (store) => store.whole(id),
    update: (store) => store.update(id, advance),
    accept: (store) => store.accept({ ...EXAMPLES.queued, revision: 1 }, request),
  };

  it.each(Object.entries(ways))('is not read as if it were ours, and left as it is: %s', async (_, way) => {
    const { store, write, itemOf } = await storedWorld();
    await write('state', { version: 2, status: 'pondering', claim: { by: ['somebody'] } });
    const before = await itemOf('state');

    await expect(way(store)).rejects.toThrow(NewerVersionError);
    await expect(way(store)).rejects.toThrow(
      /stored version 2, .* knows 1 at most\. Deploy the newer release/,
    );

    expect(await itemOf('state')).toEqual(before);
  });

  it.each(['request', 'outputs'] as const)('as the %s of a generation is not read either', async (which) => {
    const { store, write } = await storedWorld();
    await write(which, { version: 2, body: 'compressed' });

    await expect(store.whole(id)).rejects.toThrow(NewerVersionError);
    if (which === 'request')
      await expect(store.request(EXAMPLES.succeeded)).rejects.toThrow(NewerVersionError);
  });

  it('between our reading and our write is not overwritten', async () => {
    const { table, write, itemOf } = await storedWorld(EXAMPLES.running);
    const slow: Table = doFirst(table, 'PutItemCommand', () =>
      write('state', { version: 2, revision: EXAMPLES.running.revision + 1, status: 'pondering' }),
    );

    await expect(createGenerationStore(slow).update(id, advance)).rejects.toThrow(NewerVersionError);

    expect(await itemOf('state')).toMatchObject({ version: 2, status: 'pondering' });
  });

  it.each([advance, (same: Generation) => same, () => undefined])(
    'since we have last read it is not overwritten either, nor decided on (%#)',
    async (decide) => {
      const { store, write, itemOf } = await storedWorld(EXAMPLES.running);
      await write('state', { version: 2, revision: EXAMPLES.running.revision + 1, status: 'pondering' });

      await expect(store.update(EXAMPLES.running, decide)).rejects.toThrow(NewerVersionError);

      expect(await itemOf('state')).toMatchObject({ version: 2, status: 'pondering' });
    },
  );
});

describe('what an earlier release has written', () => {
  it('without a version is of the first, and gets it with the next write', async () => {
    const { store, write, itemOf } = await storedWorld(EXAMPLES.running);
    for (const which of ['state', 'request', 'outputs'] as const) await write(which, { version: undefined });

    const read = await store.get(id);
    await store.update(id, advance);

    expect(read).toEqual(EXAMPLES.running);
    expect((await store.whole(id))?.request).toEqual(request);
    expect(await itemOf('state')).toMatchObject({ version: 1, looks: 4 });
  });
});

describe('any item', () => {
  it('is readable up to our version, and nothing of it is changed', () => {
    const item = fc.dictionary(fc.string(), fc.jsonValue());
    const version = fc.oneof(fc.constant(undefined), fc.integer({ min: -5, max: 5 }), fc.jsonValue());
    fc.assert(
      fc.property(item, version, (attributes, version) => {
        const { version: _, ...rest } = attributes;
        const given = version === undefined ? rest : { ...rest, version };
        const isKnown = version === undefined || (typeof version === 'number' && version <= 1);

        const read = () => readable(given, 'an item');

        if (isKnown) expect(read()).toEqual({ ...rest, version: version ?? 1 });
        else expect(read).toThrow(NewerVersionError);
      }),
      // What cannot even be made a string of.
      { examples: [[{}, { toString: 0 }]] },
    );
  });
});

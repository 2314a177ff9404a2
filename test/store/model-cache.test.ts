import { expect, it, vi } from 'vitest';
import { createModelCache, type KnownModel } from '../../functions/store/model-cache.ts';
import { at } from '../generation/examples.ts';
import { clockAt, useTables } from './table-world.ts';

vi.setConfig({ testTimeout: 30_000 });

const { createWorld } = useTables();

const known: KnownModel = {
  kind: 'model',
  schema: { parameters: [{ id: 'prompt', type: 'text', required: true, default: '', min: 0.5 }] },
};

it('keeps a model for its time, and no other', async () => {
  const { table, item } = await createWorld();
  const { clock, pass } = clockAt(at(0));
  const cache = createModelCache(table, { keepMs: 600_000, clock });

  const before = await cache.get('wiro/flux');
  await cache.put('wiro/flux', known);
  pass(600_000);
  const within = await cache.get('wiro/flux');
  const other = await cache.get('wiro/flux-2');
  pass(1);
  const after = await cache.get('wiro/flux');

  expect([before, within, other, after]).toEqual([undefined, known, undefined, undefined]);
  // A week after second 0, for DynamoDB's housekeeping.
  expect((await item('model#wiro/flux', 'schema'))?.expiresAtSeconds).toBe(1_767_873_600);
});

it('replaces what it kept', async () => {
  const { table } = await createWorld();
  const cache = createModelCache(table, { keepMs: 600_000 });
  await cache.put('wiro/flux', known);

  await cache.put('wiro/flux', { kind: 'model', schema: { parameters: [] } });

  expect(await cache.get('wiro/flux')).toEqual({ kind: 'model', schema: { parameters: [] } });
});

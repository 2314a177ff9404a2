import { expect, it } from 'vitest';
import { DURATIONS } from '../../functions/settings.ts';
import { createCopyPlaces } from '../../functions/store/copy-places.ts';
import { at } from '../generation/examples.ts';
import { useTables } from './table-world.ts';

const { createWorld } = useTables();
const MINUTE_MS = 60_000;

/** One deployment's places, for as many as a test says. */
async function placesWorld(maximum: number) {
  const { table, item } = await createWorld();
  let seconds = 0;
  const places = createCopyPlaces(table, {
    maximum,
    durations: DURATIONS,
    clock: () => new Date(at(seconds)),
  });
  return {
    places,
    item: () => item('copies', 'copies'),
    take: (id: string, holder = `${id}'s`) => places.take({ id, createdAt: at(0) }, holder, 15 * MINUTE_MS),
    join: (id: string, createdAt = at(0)) => places.join({ id, createdAt }),
    leave: (id: string, holder = `${id}'s`) => places.leave(id, holder),
    pass: (more: number) => {
      seconds += more;
    },
  };
}

it('gives as many places as there are, one each', async () => {
  const { take } = await placesWorld(2);

  expect([await take('a'), await take('a'), await take('b'), await take('c')]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

it('gives no more than there are to many at once', async () => {
  const { take } = await placesWorld(3);

  const taken = await Promise.all(Array.from({ length: 12 }, (_, index) => take(`g${index}`)));

  expect(taken.filter(Boolean)).toHaveLength(3);
});

it('names the oldest in line when a place is left, each once', async () => {
  const { take, join, leave } = await placesWorld(1);
  await take('a');
  await join('young', at(5));
  await join('old', at(1));
  await join('old', at(1));

  expect(await leave('a')).toBe('old');
  await take('old');
  expect(await leave('old')).toBe('young');
  await take('young');
  expect(await leave('young')).toBeUndefined();
});

it('puts the one that was named in line again, if another took the place', async () => {
  const { take, join, leave, item } = await placesWorld(2);
  await take('a');
  await take('b');
  await join('c');

  expect(await leave('a')).toBe('c');
  expect(await take('d')).toBe(true);
  expect(await take('c')).toBe(false);
  expect(await join('c')).toBe(false);
  expect((await item())?.line).toEqual(new Set([`${at(0)}#c`]));
});

it('lets nobody join the line while there is room', async () => {
  const { take, join, leave, item } = await placesWorld(1);
  await take('a');
  await leave('a');

  expect(await join('b')).toBe(true);
  expect((await item())?.line).toBeUndefined();
});

it('frees the place of a killed function when its time is over, and gives it to who collects it before', async () => {
  const { take, leave, pass } = await placesWorld(1);
  await take('a', 'killed');
  pass(14 * 60);

  expect(await take('b')).toBe(false);
  expect(await take('a', 'the next')).toBe(true);
  // It lives after all: the place is not its own any more.
  expect(await leave('a', 'killed')).toBeUndefined();
  expect(await take('b')).toBe(false);
  pass(15 * 60 + 6);
  expect(await take('b')).toBe(true);
});

it('keeps the item small, however many are in line', async () => {
  const { take, join, item } = await placesWorld(1);
  await take('a');

  for (let index = 0; index < 60; index += 1) await join(`g${index}`);

  expect(await item()).toMatchObject({ line: expect.objectContaining({ size: 50 }) });
});

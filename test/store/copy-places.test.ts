import { expect, it } from 'vitest';
import { type Command, UpdateItemCommand } from '../../functions/aws/dynamodb.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createCopyPlaces } from '../../functions/store/copy-places.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { at } from '../generation/examples.ts';
import { doFirst, useTables } from './table-world.ts';

const { createWorld } = useTables();
const MINUTE_MS = 60_000;

/** The places of one deployment. */
async function placesWorld(maximum: number) {
  const { table, item } = await createWorld();
  let seconds = 0;
  const placesIn = (one: Table) =>
    createCopyPlaces(one, { maximum, durations: DURATIONS, clock: () => new Date(at(seconds)) });
  const places = placesIn(table);
  return {
    table,
    places: placesIn,
    /** A copy of the store that another writer overtakes between every read and its write. */
    busy: placesIn(amongOthers(table)),
    item: () => item('copies', 'copies'),
    take: (id: string, holder = `${id}'s`) =>
      places.take({ id, createdAt: at(0), revision: 1 }, holder, 15 * MINUTE_MS),
    join: (id: string, createdAt = at(0)) => places.join({ id, createdAt }),
    leave: (id: string, holder = `${id}'s`) => places.leave(id, holder),
    pass: (more: number) => {
      seconds += more;
    },
  };
}

/** A table in which another writer changes the places after every read. */
function amongOthers(table: Table): Table {
  const count = () =>
    table.client.send(
      new UpdateItemCommand({
        TableName: table.tableName,
        Key: { pk: { S: 'copies' }, sk: { S: 'copies' } },
        UpdateExpression: 'ADD revision :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      }),
    );
  const client = {
    async send(command: Command<object, unknown>) {
      if (command instanceof UpdateItemCommand) await count();
      return table.client.send(command);
    },
  };
  return { ...table, client: client as unknown as Table['client'] };
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

it('gives no more places than there are to many concurrent generations', async () => {
  const { take } = await placesWorld(3);

  const taken = await Promise.all(Array.from({ length: 12 }, (_, index) => take(`g${index}`)));

  expect(taken.filter(Boolean)).toHaveLength(3);
});

it('returns the oldest in line when a place is given back, each once', async () => {
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

it('keeps the place of the returned generation for a minute', async () => {
  const { take, join, leave, pass } = await placesWorld(1);
  await take('a');
  await join('b');
  await join('c');

  expect(await leave('a')).toBe('b');
  expect([await take('d'), await join('c'), await take('b'), await leave('b')]).toEqual([
    false,
    false,
    true,
    'c',
  ]);
  // Its collector is lost on the way.
  pass(66);
  expect(await take('d')).toBe(true);
});

it('lets the returned generation join the line again if it comes too late', async () => {
  const { take, join, leave, pass, item } = await placesWorld(1);
  await take('a');
  await join('b');

  expect(await leave('a')).toBe('b');
  pass(66);
  expect(await take('c')).toBe(true);
  expect([await take('b'), await join('b')]).toEqual([false, false]);
  expect((await item())?.line).toEqual(new Set([`${at(0)}#b`]));
});

it('gives a place back, however often others change theirs meanwhile', async () => {
  const { take, busy, join, leave, pass, item } = await placesWorld(1);
  await take('a');
  await join('b');

  expect(await busy.leave('a', "a's")).toBeUndefined();

  expect((await item())?.places).toEqual({});
  expect(await take('c')).toBe(true);
  // The next `leave` returns the one that was missed.
  expect(await leave('c')).toBe('b');
  pass(66);
  expect(await leave('b')).toBeUndefined();
});

it('does not restore a place through a writer that read it before it was given back', async () => {
  const { table, places, take, leave, item } = await placesWorld(2);
  await take('a');
  const between = doFirst(table, 'UpdateItemCommand', () => leave('a'));

  await places(between).take({ id: 'b', createdAt: at(0), revision: 1 }, "b's", 15 * MINUTE_MS);

  expect(Object.keys((await item())?.places ?? {})).toEqual(['b']);
});

it('lets no generation join the line while there is room', async () => {
  const { take, join, leave, item } = await placesWorld(1);
  await take('a');
  await leave('a');

  expect(await join('b')).toBe(true);
  expect((await item())?.line).toBeUndefined();
});

it('frees the place of a killed function when its time is over, or earlier for the same generation', async () => {
  const { take, leave, pass } = await placesWorld(1);
  await take('a', 'killed');
  pass(14 * 60);

  expect(await take('b')).toBe(false);
  expect(await take('a', 'the next')).toBe(true);
  // The function lives after all, and no longer has the place.
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

it('puts the oldest in line even if the line is full of younger ones', async () => {
  const { take, join, leave, item } = await placesWorld(1);
  await take('a');
  for (let index = 0; index < 50; index += 1) await join(`young${index}`, at(10 + index));

  expect(await join('old', at(5))).toBe(false);
  expect(await join('younger', at(100))).toBe(false);

  expect(await item()).toMatchObject({ line: expect.objectContaining({ size: 50 }) });
  expect(await leave('a')).toBe('old');
});

it('does not replace the place of a copy under way for a generation that joined the line twice', async () => {
  const { table, take, join, leave, item } = await placesWorld(2);
  await take('a');
  await take('b');
  await join('c', at(1));
  // A function without a place joins the line late: another function copies the outputs now.
  await table.client.send(
    new UpdateItemCommand({
      TableName: table.tableName,
      Key: { pk: { S: 'copies' }, sk: { S: 'copies' } },
      UpdateExpression: 'ADD line :b',
      ExpressionAttributeValues: { ':b': { SS: [`${at(0)}#b`] } },
    }),
  );

  expect(await leave('a')).toBe('c');
  expect((await item())?.places).toMatchObject({ b: { holder: "b's" }, c: { holder: '' } });
});

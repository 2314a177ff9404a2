import { expect, it } from 'vitest';
import { parseInputPrefixes } from '../../functions/request/input-prefixes.ts';
import { BUCKET, doorWorld } from './door-world.ts';

const prefixes = parseInputPrefixes(['inputs/'], BUCKET);
const OTHERS = { model: 'wiro/flux', inputs: { inputImage: ['inputs/mine.png', 'private/passport.png'] } };
const MINE = { model: 'wiro/flux', inputs: { inputImage: 'inputs/mine.png' } };
const REFUSED = {
  code: 'input_not_allowed',
  field: 'inputs.inputImage[1]',
  message: expect.stringContaining('put the object under inputs/'),
};

function restrictedWorld() {
  const world = doorWorld({ prefixes });
  for (const key of ['inputs/mine.png', 'private/passport.png', 'private/frame.png']) world.put(key, 'photo');
  return world;
}

it('refuses an object that requests may not name, at the API', async () => {
  const world = restrictedWorld();

  const refused = await world.post(OTHERS);
  const accepted = await world.post(MINE);

  expect(refused).toMatchObject({ statusCode: 400, body: { error: REFUSED } });
  expect(accepted.statusCode).toBe(202);
  expect(world.accepted()).toHaveLength(1);
});

it('refuses it in a request file, as a whole', async () => {
  const world = restrictedWorld();

  await world.deliver(world.put('requests/a.json', JSON.stringify([MINE, OTHERS])));

  expect(world.accepted()).toEqual([]);
  expect([...world.written.values()]).toMatchObject([
    { errors: [{ ...REFUSED, field: '[1].inputs.inputImage[1]' }] },
  ]);
});

it('refuses it in an event', async () => {
  const world = restrictedWorld();

  await world.ask('e', OTHERS);

  expect(world.accepted()).toEqual([]);
  expect(world.told).toMatchObject([{ detailType: 'Generation Rejected', detail: { error: REFUSED } }]);
});

it('accepts a dropped file at its key, and refuses inputs that its preset adds from elsewhere', async () => {
  const world = restrictedWorld();

  await world.deliver(world.put('uploads/portraits/a.png', 'photo'));
  await world.deliver(world.put('uploads/framed/a.png', 'photo'));

  expect(world.accepted()).toHaveLength(1);
  expect([...world.written.values()]).toMatchObject([
    { status: 'rejected', error: { code: 'input_not_allowed', field: 'inputs.frame' } },
  ]);
});

it('lets no request name a dropped file', async () => {
  const world = restrictedWorld();
  world.put('uploads/portraits/a.png', 'photo');

  const refused = await world.post({
    model: 'wiro/flux',
    inputs: { inputImage: 'uploads/portraits/a.png' },
  });

  expect(refused).toMatchObject({ statusCode: 400, body: { error: { code: 'input_not_allowed' } } });
});

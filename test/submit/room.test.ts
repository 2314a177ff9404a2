import { expect, it } from 'vitest';
import { createRoom } from '../../functions/submit/room.ts';

it('shares its memory among all parts, and gets back what a closed part had', () => {
  const room = createRoom(100);
  const [one, other] = [room.open(), room.open()];

  const taken = [one.take(60), other.take(60)];
  one.close();

  expect([...taken, other.take(60)]).toEqual([true, false, true]);
});

it('gives nothing to a part that was closed, because nobody would give it back', () => {
  const room = createRoom(100);
  const closed = room.open();
  closed.close();

  expect([closed.take(60), room.open().take(60)]).toEqual([false, true]);
});

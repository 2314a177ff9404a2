import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { WiroError } from '../../functions/wiro/errors.ts';
import { clientOf, serverThat } from './server.ts';

const SIZE = 20_000_000;
const PIECE = Buffer.alloc(64 * 1024);

const file = () => ({
  name: 'a.png',
  contentType: 'image/png',
  sizeBytes: SIZE,
  open: async () =>
    Readable.from(
      (async function* () {
        for (let left = SIZE; left > 0; left -= PIECE.length) {
          yield PIECE.subarray(0, Math.min(left, PIECE.length));
          await turn();
        }
      })(),
      { objectMode: false },
    ),
});

it.each([
  ['with a body of a known length', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nBad Gateway'],
  ['with nothing', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'],
  ['and breaks off its page', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5000\r\n\r\n<html>'],
  ['until it closes', 'HTTP/1.1 502 Bad Gateway\r\n\r\nBad Gateway'],
])('a gateway that answers 502 %s and closes while a file is being sent is heard', async (_, answer) => {
  const { origin } = await serverThat((socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write(answer, () => socket.destroy());
    });
  });

  const failures = [];
  for (let nth = 0; nth < 20; nth += 1)
    failures.push(
      await clientOf(`${origin}/v1`)
        .upload(file())
        .catch((error: unknown) => error),
    );

  expect(failures.map((error) => (error instanceof WiroError ? error.message : error))).toEqual(
    failures.map(() => "Cannot call Wiro's File/Upload: it answered 502"),
  );
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { WiroError } from '../../functions/wiro/errors.ts';
import { makeCertificate } from '../support/certificate.ts';
import { clientOf, listen, serverThat } from './server.ts';

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

/** Answers on the first byte received, then closes the connection. */
const answering = (answer: string) => (socket: Socket) => {
  // The client's next write meets a closed connection.
  socket.on('error', () => undefined);
  socket.once('data', () => {
    socket.pause();
    socket.write(answer, () => socket.destroy());
  });
};

async function failuresOf(origin: string): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  while (failures.length < 20)
    failures.push(
      await clientOf(`${origin}/v1`)
        .upload(file())
        .catch((error: unknown) => error),
    );
  return failures.map((error) => (error instanceof WiroError ? error.message : error));
}

const HEARD = Array.from({ length: 20 }, () => "Cannot call Wiro's File/Upload: it answered 502");

it.each([
  ['with a body of a known length', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nBad Gateway'],
  ['with nothing', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'],
  ['and breaks off its page', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5000\r\n\r\n<html>'],
  ['until it closes', 'HTTP/1.1 502 Bad Gateway\r\n\r\nBad Gateway'],
])(
  'reads the answer of a gateway that answers 502 %s and closes while a file is being sent',
  async (_, answer) => {
    const { origin } = await serverThat(answering(answer));

    expect(await failuresOf(origin)).toEqual(HEARD);
  },
);

it('needs no more than the status of an early answer if the file then breaks', async () => {
  const { origin } = await serverThat((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5000\r\n\r\n<html>'));
  });
  const begun = Promise.withResolvers<void>();
  const channel = 'http.client.response.finish'; // the answer's head has arrived
  const onAnswer = () => begun.resolve();
  subscribe(channel, onAnswer);
  onTestFinished(() => void unsubscribe(channel, onAnswer));
  const open = async () =>
    Readable.from(
      (async function* () {
        yield PIECE;
        await begun.promise;
        throw new Error('S3 went away');
      })(),
    );

  const uploading = clientOf(`${origin}/v1`).upload({ ...file(), open });

  await expect(uploading).rejects.toMatchObject({ kind: 'status', status: 502 });
});

const certificate = makeCertificate();

it.skipIf(certificate === undefined)('reads an early answer over TLS too (needs openssl)', async () => {
  const before = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...before, certificate?.cert ?? '']);
  onTestFinished(() => tls.setDefaultCACertificates(before));
  const server = tls.createServer(
    { ...certificate },
    answering('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'),
  );
  server.on('tlsClientError', () => undefined);
  const origin = await listen(server);

  expect(await failuresOf(origin.replace('http://127.0.0.1', 'https://localhost'))).toEqual(HEARD);
});

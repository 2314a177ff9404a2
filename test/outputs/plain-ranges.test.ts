import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createOutputFetcher } from '../../functions/outputs/fetch-output.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import type { PlainAnswer } from '../../functions/outputs/range-receiver.ts';
import { noise } from './cdn-world.ts';
import { TLS } from './tls-fixture.ts';

const BYTES = noise(200_000);
const ETAG = '"v1"';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

type Answer = (socket: Socket, range: { start: number; end: number }) => void;

/** A host that answers each request as the test says, byte by byte. */
async function hostWith(
  answer: Answer,
  { isTls = false, patienceMs = 300 }: { isTls?: boolean; patienceMs?: number } = {},
) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const onConnection = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    let text = '';
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        text += chunk.toString('latin1');
        for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
          const [, start, last] = /range: bytes=(\d+)-(\d+)/.exec(text.slice(0, end)) ?? [];
          text = text.slice(end + 4);
          answer(socket, { start: Number(start), end: Number(last) });
        }
      });
  };
  const server = isTls ? createTlsServer(TLS, onConnection) : createServer(onConnection);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const name = isTls ? 'cdn.wiro.test' : '127.0.0.1';
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(`${name}:${port}`),
    lookup: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    connectMs: 1_000,
    headersMs: patienceMs,
    stallMs: patienceMs,
    ...(isTls && { ca: TLS.cert }),
  });
  cleanups.push(fetcher.close);
  const into = Buffer.alloc(100_000, 0x55);
  return {
    into,
    connections: () => connections,
    sockets,
    /** Every connection so far. */
    closed: () =>
      Promise.all(
        [...sockets].map((one) => one.destroyed || new Promise((resolve) => one.once('close', resolve))),
      ),
    /** Of whichever version there is. */
    begin: (onBegun: (answer: PlainAnswer) => void = () => {}) =>
      fetcher.fetchInto({
        url: `${isTls ? 'https' : 'http'}://${name}:${port}/out.bin`,
        start: 0,
        into,
        signal: new AbortController().signal,
        onBegun,
      }),
    read: (start = 0, signal = new AbortController().signal) =>
      fetcher.fetchInto({
        url: `${isTls ? 'https' : 'http'}://${name}:${port}/out.bin`,
        start,
        version: { etag: ETAG, sizeBytes: BYTES.length },
        into,
        signal,
      }),
  };
}

const headOf = (
  { start, end }: { start: number; end: number },
  changes: Readonly<Record<string, string | undefined>> = {},
  status = 'HTTP/1.1 206 Partial Content',
): string =>
  [
    status,
    ...Object.entries({
      ETag: ETAG,
      'Content-Range': `bytes ${start}-${end}/${BYTES.length}`,
      'Content-Length': String(end - start + 1),
      ...changes,
    }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])),
    '\r\n',
  ].join('\r\n');

const plainly: Answer = (socket, range) => {
  socket.write(headOf(range), 'latin1');
  socket.write(BYTES.subarray(range.start, range.end + 1));
};

describe('a plain answer', () => {
  it.each([{ isTls: false }, { isTls: true }])(
    'fills the buffer, range after range on one connection: %o',
    async (how) => {
      const host = await hostWith(plainly, how);

      for (const start of [0, 100_000, 37]) {
        expect(await host.read(start)).toEqual({ kind: 'whole' });
        expect(host.into.equals(BYTES.subarray(start, start + 100_000))).toBe(true);
      }

      expect(host.connections()).toBe(1);
    },
  );

  it('is understood in whatever pieces it comes', async () => {
    const host = await hostWith((socket, range) => {
      const whole = Buffer.concat([
        Buffer.from(headOf(range), 'latin1'),
        BYTES.subarray(range.start, range.end + 1),
      ]);
      // Each piece by itself: the next is sent once this one is on its way.
      const send = (from: number, length: number): void => {
        if (from >= whole.length) return;
        socket.write(whole.subarray(from, from + length), () =>
          setImmediate(send, from + length, length === 1 && from < 150 ? 1 : 50_000),
        );
      };
      socket.setNoDelay(true);
      send(0, 1);
    });

    expect(await host.read()).toEqual({ kind: 'whole' });
    expect(host.into.equals(BYTES.subarray(0, 100_000))).toBe(true);
  });

  it('may begin late: its body has a whole interval before it counts as stalled', async () => {
    const host = await hostWith(
      (socket, range) => {
        setTimeout(() => {
          socket.write(headOf(range), 'latin1');
          socket.write(BYTES.subarray(range.start, range.start + 10));
        }, 700);
        setTimeout(() => socket.write(BYTES.subarray(range.start + 10, range.end + 1)), 1_200);
      },
      { patienceMs: 1_000 },
    );

    expect(await host.read()).toEqual({ kind: 'whole' });
    expect(host.into.equals(BYTES.subarray(0, 100_000))).toBe(true);
  });

  it('comes on a new connection if the host has closed the kept one', async () => {
    const host = await hostWith(plainly);
    await host.read();
    const [socket] = host.sockets;
    socket?.destroy();

    expect(await host.read(50_000)).toEqual({ kind: 'whole' });
    expect(host.into.equals(BYTES.subarray(50_000, 150_000))).toBe(true);
  });
});

describe('an answer of any other kind', () => {
  const CHANGES: Readonly<Record<string, [Readonly<Record<string, string | undefined>>, string?]>> = {
    'another version': [{ ETag: '"v2"' }],
    'a weak ETag': [{ ETag: 'W/"v1"' }],
    'no ETag': [{ ETag: undefined }],
    'two ETags': [{ ETag: ETAG, etag: ETAG }],
    'another size': [{ 'Content-Range': 'bytes 0-99999/200001' }],
    'another start': [{ 'Content-Range': 'bytes 1-100000/200000' }],
    'no range': [{ 'Content-Range': undefined }],
    'another length': [{ 'Content-Length': '99999' }],
    'a length with a sign': [{ 'Content-Length': '+100000' }],
    'two lengths': [{ 'content-length': '5' }],
    'no length': [{ 'Content-Length': undefined }],
    chunks: [{ 'Transfer-Encoding': 'chunked' }],
    'a coding': [{ 'Content-Encoding': 'gzip' }],
    'a connection that closes': [{ Connection: 'close' }],
    'a folded field': [{ 'X-Note': 'a\r\n b' }],
    'a coding after a bare line feed': [{ 'X-Note': 'a\nContent-Encoding: gzip' }],
    'a control character': [{ 'X-Note': 'a\0b' }],
    'a name with a space': [{ 'Content-Length ': '5' }],
    'the whole': [{}, 'HTTP/1.1 200 OK'],
    'a redirect': [{ Location: 'http://169.254.169.254/' }, 'HTTP/1.1 302 Found'],
    'an interim answer': [{}, 'HTTP/1.1 103 Early Hints'],
    'HTTP/1.0': [{}, 'HTTP/1.0 206 Partial Content'],
    'no HTTP': [{}, 'SSH-2.0-OpenSSH'],
    'an endless head': [{ 'X-Long': 'a'.repeat(20_000) }],
  };

  it.each(Object.entries(CHANGES))(
    'is left to another client, and the connection closed: %s',
    async (_, [changes, status]) => {
      const host = await hostWith((socket, range) => {
        socket.write(headOf(range, changes, status), 'latin1');
        socket.write(BYTES.subarray(range.start, range.end + 1));
      });
      expect(await host.read()).toEqual({ kind: 'otherwise' });
      await host.closed();
    },
  );
});

describe('the first range, of whichever version there is', () => {
  it('tells what comes once its first bytes are there', async () => {
    const told: PlainAnswer[] = [];
    const host = await hostWith((socket, range) => {
      socket.write(headOf(range, { 'Content-Type': 'video/mp4' }), 'latin1');
      socket.write(BYTES.subarray(0, 1_000));
      setTimeout(() => {
        expect(told).toEqual([]);
        socket.write(BYTES.subarray(1_000, 2_000));
      }, 20);
    });
    const received = host.begin((answer) => {
      expect(host.into.subarray(0, 1_024).equals(BYTES.subarray(0, 1_024))).toBe(true);
      told.push(answer);
      for (const socket of host.sockets) socket.write(BYTES.subarray(2_000, 100_000));
    });

    expect(await received).toEqual({ kind: 'whole' });

    expect(told).toEqual([{ bytes: 100_000, sizeBytes: 200_000, etag: ETAG, contentType: 'video/mp4' }]);
    expect(host.into.equals(BYTES.subarray(0, 100_000))).toBe(true);
  });

  it.each([
    ['of an ETag', ETAG, { etag: ETAG }],
    ['of a weak ETag', 'W/"v1"', {}],
    ['without an ETag', undefined, {}],
  ])('may be all of a short output %s', async (_, etag, known) => {
    const told: PlainAnswer[] = [];
    const host = await hostWith((socket) => {
      const changes = { ETag: etag, 'Content-Range': 'bytes 0-9/10' };
      socket.write(headOf({ start: 0, end: 9 }, changes), 'latin1');
      socket.write(BYTES.subarray(0, 10));
    });

    expect(await host.begin((answer) => told.push(answer))).toEqual({ kind: 'whole' });

    expect(told).toEqual([{ bytes: 10, sizeBytes: 10, ...known }]);
    expect(
      host.into.subarray(0, 11).equals(Buffer.concat([BYTES.subarray(0, 10), Buffer.from([0x55])])),
    ).toBe(true);
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, string?]>([
    ['a weak ETag', { ETag: 'W/"v1"' }],
    ['no ETag', { ETag: undefined }],
    ['an unknown size', { 'Content-Range': 'bytes 0-99999/*' }],
    ['less than was asked for', { 'Content-Range': 'bytes 0-49999/200000', 'Content-Length': '50000' }],
    ['more than was asked for', { 'Content-Range': 'bytes 0-199999/200000', 'Content-Length': '200000' }],
    ['nothing', { 'Content-Range': 'bytes 0-0/0', 'Content-Length': '0' }],
    ['two types', { 'Content-Type': 'a/b', 'content-type': 'c/d' }],
    ['the whole', { 'Content-Range': undefined, 'Content-Length': '200000' }, 'HTTP/1.1 200 OK'],
  ])('is left to another client if the answer has %s', async (_, changes, status) => {
    const host = await hostWith((socket, range) => {
      socket.write(headOf(range, changes, status), 'latin1');
      socket.write(BYTES);
    });

    expect(await host.begin()).toEqual({ kind: 'otherwise' });
    await host.closed();

    // The host is not asked in vain each time.
    expect(await host.begin()).toEqual({ kind: 'otherwise' });
    expect(host.connections()).toBe(1);
  });
});

describe('a connection that breaks', () => {
  it('ends with what has come of the body', async () => {
    const host = await hostWith((socket, range) => {
      socket.write(headOf(range), 'latin1');
      socket.write(BYTES.subarray(range.start, range.start + 40_000), () => socket.end());
    });

    const received = await host.read();

    expect(received).toMatchObject({ kind: 'cutOff', filled: 40_000 });
    expect(host.into.subarray(0, 40_000).equals(BYTES.subarray(0, 40_000))).toBe(true);
  });

  it.each<[string, Answer]>([
    ['no answer', () => {}],
    ['half a head', (socket) => void socket.write('HTTP/1.1 206 Partial')],
  ])('counts as one after its time: %s', async (_, answer) => {
    const host = await hostWith(answer);

    expect(await host.read()).toMatchObject({ kind: 'cutOff', filled: 0 });
  });

  it('counts as one if the body stalls or crawls', async () => {
    const host = await hostWith((socket, range) => {
      socket.write(headOf(range), 'latin1');
      socket.write(BYTES.subarray(0, 1_000));
      const drip = setInterval(() => socket.write('x'), 20);
      socket.once('close', () => clearInterval(drip));
    });

    expect(await host.read()).toMatchObject({ kind: 'cutOff' });
  });

  it('brings nothing after an abort', async () => {
    const controller = new AbortController();
    const host = await hostWith((socket, range) => {
      socket.write(headOf(range), 'latin1');
      socket.write(BYTES.subarray(0, 1_000));
      const flood = setInterval(() => socket.write(BYTES.subarray(0, 5_000)), 5);
      socket.once('close', () => clearInterval(flood));
      setTimeout(() => controller.abort(new Error('no more time')), 30);
    });

    await expect(host.read(0, controller.signal)).rejects.toThrow('no more time');

    const then = Buffer.from(host.into);
    await host.closed();
    expect(host.into.equals(then)).toBe(true);
  });
});

it('neither starts after an abort nor waits for ever', async () => {
  const host = await hostWith(plainly);
  const stopped = AbortSignal.abort(new Error('no more time'));

  await expect(host.read(0, stopped)).rejects.toThrow('no more time');

  expect(host.connections()).toBe(0);
});

it('closes a connection that brings more than was asked for', async () => {
  const host = await hostWith((socket, range) => {
    socket.write(headOf(range), 'latin1');
    socket.write(
      Buffer.concat([BYTES.subarray(range.start, range.end + 1), Buffer.from('HTTP/1.1 206 smuggled')]),
    );
  });

  expect(await host.read()).toEqual({ kind: 'whole' });
  await host.closed();
  expect(host.into.equals(BYTES.subarray(0, 100_000))).toBe(true);
});

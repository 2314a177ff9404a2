import { once } from 'node:events';
import { createServer, type LookupFunction, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createOutputConnector, type OutputConnectorDeps } from '../../functions/outputs/output-connector.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import { startCdn } from './cdn-world.ts';
import { TLS } from './tls-fixture.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

const toThisMachine: LookupFunction = (_name, _options, callback) =>
  callback(null, [{ address: '127.0.0.1', family: 4 }]);

/** Connects once. Resolves with the connection, or with why there is none. */
function connect(
  { hostname, protocol = 'https:', port }: { hostname: string; protocol?: string; port: number },
  { hosts = parseOutputHosts(`${hostname}:${port}`), ...deps }: Partial<OutputConnectorDeps> = {},
): Promise<Socket | Error> {
  const open = createOutputConnector({
    hosts,
    connectMs: 1_000,
    lookup: toThisMachine,
    ...deps,
  });
  return new Promise((resolve) => {
    open({ hostname, protocol, port: String(port) }, (error, socket) => resolve(error ?? socket));
  });
}

async function tlsHost() {
  const cdn = await startCdn((_request, response) => void response.end(), TLS);
  cleanups.push(cdn.stop);
  return cdn;
}

/** A host that accepts connections and does not speak TLS. */
async function deafHost(greet: (socket: Socket) => void = () => {}) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).resume());
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return {
    port,
    sockets,
    closed: () =>
      Promise.all(
        [...sockets].map((one) => one.destroyed || new Promise((resolve) => one.once('close', resolve))),
      ),
  };
}

it.each(['127.0.0.1', '::1', '[::1]', '10.0.0.1', '169.254.169.254', '::ffff:127.0.0.1'])(
  'opens no connection to %s on its own account either',
  async (hostname) => {
    const trap = await startCdn((_request, response) => void response.end());
    cleanups.push(trap.stop);

    const end = await connect(
      { hostname, protocol: 'http:', port: trap.port },
      { hosts: parseOutputHosts('wiro.ai') },
    );

    expect(end).toMatchObject({ name: 'OutputRefusedError' });
    expect(trap.connections()).toBe(0);
  },
);

it('asks nobody about an address, also of IPv6 in brackets', async () => {
  const gone = await startCdn(() => {});
  await gone.stop();
  const lookup: LookupFunction = () => expect.unreachable('an address was looked up');

  for (const hostname of ['127.0.0.1', '[::1]'])
    expect(await connect({ hostname, protocol: 'http:', port: gone.port }, { lookup })).toMatchObject({
      syscall: 'connect',
    });
});

it('gives a connection that sends at once, and whose later failures end nothing', async () => {
  const host = await deafHost();
  const socket = await connect({ hostname: 'cdn.wiro.test', protocol: 'http:', port: host.port });
  if (socket instanceof Error) throw socket;

  const [theirs] = host.sockets;
  theirs?.resetAndDestroy();

  await once(socket, 'close').catch(({ code }) => expect(code).toBe('ECONNRESET'));
});

describe('a connection over TLS', () => {
  it('is given once the certificate is checked', async () => {
    const cdn = await tlsHost();

    const socket = await connect({ hostname: 'cdn.wiro.test', port: cdn.port }, { ca: TLS.cert });

    expect(socket).toMatchObject({ authorized: true, servername: 'cdn.wiro.test', alpnProtocol: 'http/1.1' });
    if (!(socket instanceof Error)) socket.destroy();
  });

  it.each([
    ['for another name', 'other.wiro.test', TLS.cert, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['for a name, where an address was asked', '127.0.0.1', TLS.cert, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that nobody vouches for', 'cdn.wiro.test', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('is not given with a certificate %s', async (_, hostname, ca, code) => {
    const cdn = await tlsHost();

    const end = await connect({ hostname, port: cdn.port }, ca === undefined ? {} : { ca });

    expect(end).toMatchObject({ code });
    expect(cdn.requests).toEqual([]);
  });

  it('is not given if the host hangs up', async () => {
    const host = await deafHost((socket) => socket.end());

    expect(await connect({ hostname: 'cdn.wiro.test', port: host.port })).toMatchObject({
      code: 'ECONNRESET',
    });
  });

  it('is not given if the host speaks something else', async () => {
    const host = await deafHost((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));

    expect(await connect({ hostname: 'cdn.wiro.test', port: host.port })).toBeInstanceOf(Error);
  });
});

describe('a connection that takes too long', () => {
  it('is given up, and closed, if the host accepts it and is silent', async () => {
    const host = await deafHost();

    const end = await connect({ hostname: 'cdn.wiro.test', port: host.port }, { connectMs: 100 });

    expect(end).toMatchObject({ message: 'no connection within 100 ms' });
    await host.closed();
  });

  it('is given up if its name is not resolved', async () => {
    const host = await deafHost();
    let answer: () => void = () => {};
    const lookup: LookupFunction = (...given) => {
      answer = () => toThisMachine(...given);
    };

    const end = await connect({ hostname: 'cdn.wiro.test', port: host.port }, { connectMs: 100, lookup });
    answer();

    expect(end).toMatchObject({ message: 'no connection within 100 ms' });
    // The late answer opens nothing.
    await new Promise(setImmediate);
    expect(host.sockets.size).toBe(0);
  });
});

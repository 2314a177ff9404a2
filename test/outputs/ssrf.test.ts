import type { ServerResponse } from 'node:http';
import { createServer, type LookupFunction } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createOutputFetcher,
  type OutputFetcher,
  type OutputFetcherDeps,
} from '../../functions/outputs/fetch-output.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import { mapLimited } from '../../functions/runtime/map-limited.ts';
import { type CdnHandler, startCdn } from './cdn-world.ts';
import { embedded, SPECIAL_V4, SPECIAL_V6, spellings } from './special-addresses.ts';
import { TLS } from './tls-fixture.ts';
import { watchConnections } from './watch-connections.ts';

type Cdn = Awaited<ReturnType<typeof startCdn>>;

let trap: Cdn;
beforeAll(async () => {
  trap = await startCdn((_request, response) => void response.end('a secret of the network'));
});
afterAll(async () => {
  await trap.stop();
  expect(trap.connections()).toBe(0);
});

let watched: ReturnType<typeof watchConnections>;
const cleanups: (() => Promise<void>)[] = [];
beforeEach(() => {
  watched = watchConnections();
});
afterEach(async () => {
  watched.stop();
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function cdnWith(handler: CdnHandler, tls?: typeof TLS): Promise<Cdn> {
  const cdn = await startCdn(handler, tls);
  cleanups.push(cdn.stop);
  return cdn;
}

/** Resolves names to `answers`, one after the other, and repeats the last one. Notes the names. */
function resolver(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { asked, lookup };
}

/** Fetches from the hosts, and reads a range. Returns the text, or the name of the refusal if both are refused. */
function fetcherFor(hosts: string, deps: Partial<OutputFetcherDeps> = {}) {
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(hosts),
    connectMs: 1_000,
    headersMs: 1_000,
    stallMs: 1_000,
    // An attacker controls this resolver.
    lookup: resolver(['127.0.0.1']).lookup,
    ...deps,
  });
  cleanups.push(fetcher.close);
  return async (url: string): Promise<string> => {
    try {
      const { body } = await fetcher.fetch({ url, signal: new AbortController().signal });
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    } catch (error) {
      const name = error instanceof Error ? error.name : 'not an Error';
      return name === 'OutputRefusedError' ? await refusalOfRange(fetcher, url) : name;
    }
  };
}

/** The name of the refusal of a range. */
const refusalOfRange = (fetcher: OutputFetcher, url: string): Promise<string> =>
  fetcher
    .fetchInto({
      url,
      start: 0,
      version: { etag: '"e"', sizeBytes: 10 },
      into: Buffer.alloc(10),
      signal: new AbortController().signal,
    })
    .then(
      // A redirect is not followed.
      ({ kind }) => (kind === 'otherwise' ? 'OutputRefusedError' : `a range is not refused: ${kind}`),
      (error: Error) => error.name,
    );

/** Returns the outcome of each URL that was not refused. */
async function notRefused(urls: readonly string[], fetch: (url: string) => Promise<string>) {
  const ends = await mapLimited(urls, 20, async (url) => [url, await fetch(url)] as const);
  return ends.filter(([, end]) => end !== 'OutputRefusedError');
}

const bracketed = (addresses: readonly string[]) => addresses.map((address) => `[${address}]`);
const ALL_V6 = [...SPECIAL_V6, ...SPECIAL_V4.flatMap(embedded)];
const HOSTS_OF_SPECIAL_ADDRESSES = [...SPECIAL_V4.flatMap(spellings), ...bracketed(ALL_V6)];

/** URLs that look as if they led to wiro.ai, or lead elsewhere by another scheme, port or reading. */
const LOOK_ALIKES = [
  ...[
    'https://wiro.ai.evil.example/',
    'https://evilwiro.ai/',
    'https://wiro.ai-evil.example/',
    'https://ai/',
  ],
  ...[
    'https://wіro.ai/',
    'https://wirо.ai/',
    'https://wıro.ai/',
    'https://xn--wro-hma.ai/',
    'https://wiro。evil/',
  ],
  ...['https://wiro.ai@evil.example/', 'https://wiro.ai:443@evil.example/', 'https://evil.example#@wiro.ai/'],
  ...['https://evil.example\\@wiro.ai/', 'https://evil.example?@wiro.ai/', 'https://evil.example;wiro.ai/'],
  ...[
    'https://evil.example%2f.wiro.ai/',
    'https://evil.example%00.wiro.ai/',
    'https://evil.example .wiro.ai/',
  ],
  ...[
    'https://wiro.ai%2eevil.example/',
    'https://wiro.ai\t.evil.example/',
    'https://wiro.ai\n.evil.example/',
  ],
  ...[
    'https://user@wiro.ai/',
    'https://user:pass@wiro.ai/',
    'https://:@wiro.ai:1/',
    'https://%75ser:@cdn.wiro.ai/',
  ],
  ...[
    'http://wiro.ai/',
    'http://wiro.ai:443/',
    'https://wiro.ai:80/',
    'https://wiro.ai:8443/',
    'HTTP://WIRO.AI',
  ],
  ...['//wiro.ai/', '/etc/passwd', 'wiro.ai/a', 'https:/', 'https://', 'https:///', 'https://wiro.ai../', ''],
  ...[
    'file:///etc/passwd',
    'file://wiro.ai/etc/passwd',
    'ftp://wiro.ai/',
    'gopher://wiro.ai:70/_',
    'ws://wiro.ai/',
  ],
  ...[
    'data:text/html,x',
    'javascript:1',
    'blob:https://wiro.ai/x',
    'jar:https://wiro.ai!/',
    'unix:/var/run/docker.sock',
  ],
  ...['https://localhost/', 'https://localhost.wiro.ai.localdomain/', 'https://metadata.google.internal/'],
  ...[
    'https://instance-data/',
    'https://[fe80::1%25eth0]/',
    'https://[::1%lo]/',
    'https://[v1.x]/',
    'https://[::g]/',
  ],
];

describe('the corpus of what is never connected to', () => {
  it('holds more than a thousand ways to say it', () => {
    expect(new Set([...HOSTS_OF_SPECIAL_ADDRESSES, ...ALL_V6, ...LOOK_ALIKES]).size).toBeGreaterThan(1_000);
  });

  it('is refused by the default hosts, on every port', async () => {
    const urls = HOSTS_OF_SPECIAL_ADDRESSES.flatMap((host) => [
      `https://${host}/`,
      `http://${host}:${trap.port}/`,
      `https://${host}:${trap.port}/latest/meta-data/`,
    ]);

    expect(await notRefused([...urls, ...LOOK_ALIKES], fetcherFor('wiro.ai'))).toEqual([]);
    expect(watched.attempts).toEqual([]);
  });

  it('is refused even if the setting allows that address', async () => {
    const allowed = [...SPECIAL_V4, ...bracketed(ALL_V6)].join(',');
    const urls = HOSTS_OF_SPECIAL_ADDRESSES.map((host) => `https://${host}/`);

    expect(await notRefused(urls, fetcherFor(allowed))).toEqual([]);
    expect(watched.attempts).toEqual([]);
  });

  it('is refused as the answer of a resolver, alone and among public addresses', async () => {
    const odd = [
      'fe80::1%eth0',
      '2606:4700::1111%eth0',
      '::1%lo',
      '127.1',
      '2130706433',
      '0x7f000001',
      'localhost',
      '',
      ' 8.8.8.8',
    ];
    const answers = [...SPECIAL_V4, ...ALL_V6, ...odd].flatMap((address) => [
      [address],
      ['1.1.1.1', address],
      [address, '2606:4700::1111'],
    ]);

    // Each answer has a name of its own: `a7.wiro.ai`.
    const lookup: LookupFunction = (hostname, options, callback) =>
      resolver(answers[Number(/\d+/.exec(hostname)?.[0])] ?? []).lookup(hostname, options, callback);

    const fetch = fetcherFor('wiro.ai', { lookup });
    const ends = await Promise.all(answers.map((_, index) => fetch(`https://a${index}.wiro.ai/a.png`)));

    expect([new Set(ends), ends.length > 900]).toEqual([new Set(['OutputRefusedError']), true]);
    expect(watched.attempts).toEqual([]);
  });

  it('is refused as the target of a redirect of an allowed host', async () => {
    const cdn = await cdnWith(({ url = '' }, response) => {
      response.writeHead(307, { location: decodeURIComponent(url.slice(1)) }).end();
    });
    // A header is ASCII. A relative URL is resolved on the same host.
    const places = [
      ...HOSTS_OF_SPECIAL_ADDRESSES.map((host) => `http://${host}:${trap.port}/`),
      ...LOOK_ALIKES.filter((text) => /^[a-z]+:/i.test(text) && URL.canParse(text)),
    ].filter((place) => /^[\x21-\x7e]+$/.test(place));
    const urls = places.map((place) => cdn.url(`/${encodeURIComponent(place)}`));

    // These are over a thousand real requests, and the machine may be busy. A slow one is not refused.
    const patient = { connectMs: 20_000, headersMs: 20_000 };
    expect(await notRefused(urls, fetcherFor(`wiro.ai,${cdn.host}`, patient))).toEqual([]);
    expect(new Set(watched.attempts)).toEqual(new Set([cdn.host]));
  });

  it('leaves allowed hosts reachable, so that this test can fail', async () => {
    const cdn = await cdnWith((_request, response) => void response.end('bytes'));

    expect(await fetcherFor(cdn.host)(cdn.url())).toBe('bytes');
    expect(watched.attempts).toEqual([cdn.host]);
  });
});

describe('a resolver that changes its mind', () => {
  it('is asked once a connection, so that the checked address is the one connected to', async () => {
    const cdn = await cdnWith((_request, response) => {
      response.writeHead(200, { connection: 'close' }).end('bytes');
    }, TLS);
    const { asked, lookup } = resolver(['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1', '10.0.0.1']);
    const fetch = fetcherFor(`cdn.wiro.test:${cdn.port}`, { lookup, ca: TLS.cert });
    const url = `https://cdn.wiro.test:${cdn.port}/a`;

    expect([await fetch(url), await fetch(url), await fetch(url)]).toEqual([
      'bytes',
      'OutputRefusedError',
      'OutputRefusedError',
    ]);
    // One each, and one more for the range of each that is refused.
    expect(asked).toEqual(Array.from({ length: 5 }, () => 'cdn.wiro.test'));
    expect(watched.attempts).toEqual([cdn.host]);
  });

  it('between a redirect and the host it names is refused', async () => {
    const cdn = await cdnWith(({ url }, response) => {
      if (url === '/b') return void response.end('bytes');
      response.writeHead(302, { location: '/b', connection: 'close' }).end();
    }, TLS);
    const { lookup } = resolver(['127.0.0.1'], ['192.168.0.1']);

    const end = await fetcherFor(`cdn.wiro.test:${cdn.port}`, { lookup, ca: TLS.cert })(
      `https://cdn.wiro.test:${cdn.port}/a`,
    );

    expect(end).toBe('OutputRefusedError');
    expect(watched.attempts).toEqual([cdn.host]);
  });
});

describe('a host that lies or dawdles', () => {
  it('and redirects in a circle is left after five redirects', async () => {
    const cdn = await cdnWith(
      ({ url }, response) => void response.writeHead(308, { location: url === '/a' ? '/b' : '/a' }).end(),
    );

    expect(await fetcherFor(cdn.host)(cdn.url('/a'))).toBe('OutputUnavailableError');
    expect(cdn.requests).toHaveLength(6);
  });

  it('and redirects with an endless body is not read', async () => {
    const cdn = await cdnWith(({ url }, response) => {
      if (url === '/b') return void response.end('bytes');
      response.writeHead(302, { location: '/b' });
      endlessly(response, Buffer.alloc(64 * 1024));
    });

    expect(await fetcherFor(cdn.host)(cdn.url('/a'))).toBe('bytes');
  });

  it.each(['gzip', 'x-gzip', 'br', 'zstd', 'deflate', 'identity, gzip', 'GZIP', 'gzip, identity'])(
    'and sends "%s" is not unpacked, whatever it would become',
    async (encoding) => {
      const cdn = await cdnWith(
        (_request, response) => void response.writeHead(200, { 'content-encoding': encoding }).end('bomb'),
      );

      expect(await fetcherFor(cdn.host)(cdn.url())).toBe('OutputUnavailableError');
    },
  );

  it.each([
    ['more than it announces', 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n', 'bytes and more'],
    ['less than it announces', 'HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n', 'bytes'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n', 'bytes'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
      'bytes',
    ],
    ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n', 'bytes'],
    [
      'a length beyond numbers',
      'HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n',
      'bytes',
    ],
    ['a transfer that is packed', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n', '0\r\n\r\n'],
    ['chunks that are none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', 'bytes\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(100_000)}`, ''],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
      'bytes',
    ],
    ['no HTTP', '220 mail.example ESMTP\r\n', ''],
  ])('and sends %s gives at most what was announced', async (_, head, body) => {
    const host = await rawHost((write) => {
      write(head + body);
      return () => {};
    });

    expect(await fetcherFor(host)(`http://${host}/`)).toMatch(
      /^(OutputCutOffError|OutputUnavailableError|byte)$/,
    );
  });

  it.each([
    ['headers', 'HTTP/1.1 200 OK\r\n', 'x: y\r\n'],
    ['interim answers', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ["an answer's first line", 'HTTP/1.1 200 ', 'O'],
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', 'x'],
  ])('and trickles %s is cut off', async (_, head, drop) => {
    const host = await rawHost((write) => {
      if (head !== '') write(head);
      const timer = setInterval(() => write(drop), 20);
      return () => clearInterval(timer);
    });
    const startedAt = performance.now();

    expect(await fetcherFor(host, { headersMs: 300, stallMs: 300 })(`http://${host}/`)).toBe(
      'OutputCutOffError',
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

function endlessly(response: ServerResponse, bytes: Buffer): void {
  const write = () => {
    while (!response.destroyed && response.write(bytes));
  };
  response.on('drain', write);
  write();
}

/** A host that answers each connection with its own bytes. Returns its URL. */
async function rawHost(answer: (write: (text: string) => void) => () => void): Promise<string> {
  const server = createServer((socket) => {
    let stop = () => {};
    socket.on('error', () => {});
    socket.once('data', () => {
      stop = answer((text) => void (socket.writable && socket.write(text)));
    });
    socket.once('close', () => stop());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
}

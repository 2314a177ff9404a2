import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createOutputFetcher, type OutputFetcherDeps } from '../../functions/outputs/fetch-output.ts';
import { parseOutputHosts } from '../../functions/outputs/output-hosts.ts';
import { type CdnHandler, startCdn } from './cdn-world.ts';
import { TLS } from './tls-fixture.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function cdnWith(handler: CdnHandler, tls?: typeof TLS) {
  const cdn = await startCdn(handler, tls);
  cleanups.push(cdn.stop);
  return cdn;
}

function fetcherFor(hosts: string, deps: Partial<OutputFetcherDeps> = {}) {
  const fetcher = createOutputFetcher({
    hosts: parseOutputHosts(hosts),
    connectMs: 1_000,
    headersMs: 1_000,
    stallMs: 1_000,
    ...deps,
  });
  cleanups.push(fetcher.close);
  return async (url: string, options: { ca?: string } = {}) => {
    const answer = await fetcher.fetch({ url, signal: new AbortController().signal, ...options });
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
}

/** Resolves every name to the given addresses, and notes the names. */
function lookupTo(...addresses: string[]) {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _options, callback) => {
    asked.push(hostname);
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { asked, lookup };
}

describe('the target of a connection', () => {
  it('never connects to a host that is not allowed, whatever its spelling', async () => {
    const trap = await cdnWith((_request, response) => void response.end('secret'));
    const { lookup } = lookupTo('127.0.0.1');
    const fetch = fetcherFor('wiro.ai', { lookup });
    const hosts = [
      ...[
        '127.0.0.1',
        '127.1',
        '2130706433',
        '0x7f000001',
        '0177.0.0.1',
        '0x7f.0.0.1',
        '127.0.0.1.',
        'localhost',
      ],
      ...[
        '[::1]',
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[::127.0.0.1]',
        '[64:ff9b::7f00:1]',
        '0.0.0.0',
        '[::]',
      ],
      ...[
        'cdn.wiro.ai',
        'wiro.ai',
        'user:pass@wiro.ai',
        'wiro.ai@127.0.0.1',
        '127.0.0.1#@wiro.ai',
        '①②⑦.0.0.1',
      ],
    ];
    const urls = hosts.flatMap((host) => [
      `http://${host}:${trap.port}/`,
      `https://${host}:${trap.port}/`,
      `https://${host}/`,
    ]);

    const results = await Promise.allSettled(urls.map((url) => fetch(url)));

    for (const result of results)
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'OutputRefusedError' } });
    expect(trap.connections()).toBe(0);
  });

  it.each([
    [['127.0.0.1']],
    [['10.1.2.3']],
    [['169.254.169.254']],
    [['::1']],
    [['fe80::1']],
    [['::ffff:10.0.0.1']],
    [['1.1.1.1', '127.0.0.1']],
    [['fd00:ec2::254', '2606:4700::1111']],
    [[]],
  ])('refuses an allowed name that resolves to %j', async (addresses) => {
    const { lookup, asked } = lookupTo(...addresses);

    await expect(fetcherFor('wiro.ai', { lookup })('https://cdn.wiro.ai/a.png')).rejects.toMatchObject({
      name: 'OutputRefusedError',
    });
    expect(asked).toEqual(['cdn.wiro.ai']);
  });

  it.each(['10.0.0.1', '169.254.169.254', '0.0.0.0'])(
    'refuses %s even for a host named with its port',
    async (address) => {
      const trap = await cdnWith((_request, response) => void response.end());
      const { lookup } = lookupTo(address);
      const fetch = fetcherFor(`simulator:${trap.port},${address}:${trap.port}`, { lookup });

      await expect(fetch(`http://simulator:${trap.port}/`)).rejects.toMatchObject({
        name: 'OutputRefusedError',
      });
      await expect(fetch(`http://${address}:${trap.port}/`)).rejects.toMatchObject({
        name: 'OutputRefusedError',
      });
      expect(trap.connections()).toBe(0);
    },
  );

  it('resolves a name once and connects to that address, with TLS for the name', async () => {
    const cdn = await cdnWith((_request, response) => void response.end('bytes'), TLS);
    const { lookup, asked } = lookupTo('127.0.0.1');
    const fetch = fetcherFor(`cdn.wiro.test:${cdn.port}`, { lookup, ca: TLS.cert });

    expect(await fetch(`https://cdn.wiro.test:${cdn.port}/a`)).toBe('bytes');
    expect(asked).toEqual(['cdn.wiro.test']);
    expect(cdn.requests[0]?.headers.host).toBe(`cdn.wiro.test:${cdn.port}`);
  });

  it('is unavailable if the certificate is for another name or not trusted', async () => {
    const cdn = await cdnWith((_request, response) => void response.end('bytes'), TLS);
    const { lookup } = lookupTo('127.0.0.1');
    const hosts = `other.wiro.test:${cdn.port},cdn.wiro.test:${cdn.port}`;

    const otherName = fetcherFor(hosts, { lookup, ca: TLS.cert })(`https://other.wiro.test:${cdn.port}/`);
    const untrusted = fetcherFor(hosts, { lookup })(`https://cdn.wiro.test:${cdn.port}/`);

    await expect(otherName).rejects.toMatchObject({ name: 'OutputCutOffError' });
    await expect(untrusted).rejects.toMatchObject({ name: 'OutputCutOffError' });
    expect(cdn.requests).toHaveLength(0);
  });

  it('is unavailable if no server answers', async () => {
    const gone = await startCdn(() => {});
    await gone.stop();

    await expect(fetcherFor(gone.host)(gone.url())).rejects.toMatchObject({ name: 'OutputCutOffError' });
  });
});

describe('the message of a failure', () => {
  const PATH = '/capability-path/one.png?signature=secret';
  const gone = async () => {
    const cdn = await startCdn(() => {});
    await cdn.stop();
    return cdn;
  };
  const answering = (answer: CdnHandler) => () => cdnWith(answer);

  it.each([
    ['cannot be reached', gone],
    ['says it is not there', answering((_, response) => void response.writeHead(404).end('capability-path'))],
    [
      'breaks off',
      answering((_, response) => void response.writeHead(200, { 'content-length': 9 }).end('short')),
    ],
    [
      'redirects to nowhere',
      answering(
        (_, response) => void response.writeHead(302, { location: `https://other.example${PATH}` }).end(),
      ),
    ],
    [
      'redirects for ever',
      answering((_, response) => void response.writeHead(302, { location: PATH }).end()),
    ],
    [
      'sends what is encoded',
      answering((_, response) => void response.writeHead(200, { 'content-encoding': 'compress' }).end('x')),
    ],
  ])(
    'of a host that %s names the host at most, because the path is enough to read an output',
    async (_, start) => {
      const cdn = await start();

      const failure = await fetcherFor(cdn.host)(cdn.url(PATH)).catch((error: unknown) => error);

      const said: string[] = [];
      for (let cause: unknown = failure; cause instanceof Error; cause = cause.cause)
        said.push(cause.message);
      expect(failure).toBeInstanceOf(Error);
      expect(said.join()).not.toMatch(/capability-path|secret/);
    },
  );
});

describe('redirects', () => {
  it('follows them within the allowed hosts', async () => {
    const cdn = await cdnWith((request, response) => {
      if (request.url === '/b') return void response.end('there');
      response.writeHead(302, { location: '/b' }).end('elsewhere');
    });

    expect(await fetcherFor(cdn.host)(cdn.url('/a'))).toBe('there');
  });

  it.each(['http', 'https'])('never follows one out of them (%s)', async (scheme) => {
    const trap = await cdnWith((_request, response) => void response.end('secret'));
    const cdn = await cdnWith(
      (_request, response) =>
        void response.writeHead(307, { location: `${scheme}://127.0.0.1:${trap.port}/?token=secret` }).end(),
    );

    const failure = await fetcherFor(cdn.host)(cdn.url()).catch((error: Error) => error);

    expect(failure).toMatchObject({ name: 'OutputRefusedError' });
    expect(String(failure)).not.toContain('secret');
    expect(trap.connections()).toBe(0);
  });

  it.each(['file:///etc/passwd', 'http://169.254.169.254/', 'https://user@wiro.ai/', 'gopher://127.0.0.1/'])(
    'refuses %s',
    async (location) => {
      const cdn = await cdnWith((_request, response) => void response.writeHead(301, { location }).end());

      await expect(fetcherFor(cdn.host)(cdn.url())).rejects.toMatchObject({ name: 'OutputRefusedError' });
    },
  );

  it('follows five at most, and none without a location', async () => {
    const cdn = await cdnWith((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) return void response.end('there');
      response.writeHead(302, left > 99 ? {} : { location: `/${left - 1}` }).end();
    });
    const fetch = fetcherFor(cdn.host);

    expect(await fetch(cdn.url('/5'))).toBe('there');
    await expect(fetch(cdn.url('/6'))).rejects.toThrow('more than 5 times');
    await expect(fetch(cdn.url('/100'))).rejects.toMatchObject({
      name: 'OutputUnavailableError',
      status: 302,
    });
  });
});

describe('time-outs', () => {
  it('is unavailable if the host accepts the request and sends nothing', async () => {
    const cdn = await cdnWith(() => {});

    await expect(fetcherFor(cdn.host, { headersMs: 50 })(cdn.url())).rejects.toMatchObject({
      name: 'OutputCutOffError',
    });
  });

  it('does not blame the host for a slow reader', async () => {
    let now = 0;
    const cdn = await cdnWith((_request, response) => void response.end('x'.repeat(300_000)));
    const fetcher = createOutputFetcher({
      hosts: parseOutputHosts(cdn.host),
      connectMs: 1_000,
      headersMs: 1_000,
      stallMs: 1_000,
      now: () => now,
    });
    cleanups.push(fetcher.close);

    const { body } = await fetcher.fetch({ url: cdn.url(), signal: new AbortController().signal });
    let received = 0;
    for await (const chunk of body) {
      received += chunk.length;
      now += 1_000_000; // the reader's own time
    }

    expect(received).toBe(300_000);
  });
});

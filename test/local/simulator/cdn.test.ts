import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CdnFault } from '../../../local/simulator/fault-rules.ts';
import type { SimulatorOptions } from '../../../local/simulator/settings.ts';
import { startWorld } from './world.ts';

const SIZE = 1_000_003;

/** Starts a simulator with one output of a million bytes. */
async function startWithOutput(options: SimulatorOptions = {}) {
  const world = await startWorld(options);
  const id = await world.run({ bytes: SIZE }, 'wiro/simulated-video');
  const { outputUrls } = await world.ended(id);
  const url = outputUrls[0] ?? '';
  const get = (range?: string, more: Record<string, string> = {}) =>
    fetch(url, { headers: { ...(range === undefined ? {} : { range }), ...more } });
  return { ...world, id, url, get };
}

describe('a file', () => {
  it('is served whole with its length, type and ETag', async () => {
    const { get, url, detail, id } = await startWithOutput();

    const response = await get();
    const body = await response.arrayBuffer();
    const head = await fetch(url, { method: 'HEAD' });

    expect(response.status).toBe(200);
    expect(body.byteLength).toBe(SIZE);
    for (const { headers } of [response, head])
      expect([
        headers.get('content-length'),
        headers.get('content-type'),
        headers.get('accept-ranges'),
      ]).toEqual(['1000003', 'video/mp4', 'bytes']);
    expect(head.headers.get('etag')).toBe(response.headers.get('etag'));
    expect((await detail(id)).outputs[0]?.size).toBe('1000003');
  });

  it.each([
    ['bytes=0-0', 206, 'bytes 0-0/1000003', 0, 1],
    ['bytes=65530-65559', 206, 'bytes 65530-65559/1000003', 65_530, 30],
    ['bytes=999999-', 206, 'bytes 999999-1000002/1000003', 999_999, 4],
    ['bytes=-5', 206, 'bytes 999998-1000002/1000003', 999_998, 5],
    ['bytes=1000000-2000000', 206, 'bytes 1000000-1000002/1000003', 1_000_000, 3],
    ['bytes=0-1,5-6', 200, null, 0, SIZE],
  ])('is served by the range %s with %d', async (range, status, contentRange, start, length) => {
    const { get } = await startWithOutput();
    const whole = Buffer.from(await (await get()).arrayBuffer());

    const response = await get(range);
    const body = Buffer.from(await response.arrayBuffer());

    expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange]);
    expect(body.equals(whole.subarray(start, start + length))).toBe(true);
  });

  it('is a 416 beyond its end, a 304 if unchanged, and served whole if changed', async () => {
    const { get } = await startWithOutput();
    const etag = (await get()).headers.get('etag') ?? '';

    const beyond = await get('bytes=1000003-');
    const known = await get(undefined, { 'if-none-match': etag });
    const changed = await get('bytes=0-9', { 'if-range': '"another"' });

    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */1000003']);
    expect([known.status, changed.status]).toEqual([304, 200]);
  });

  it('has the same bytes for every request', async () => {
    const hash = async () => {
      const { get } = await startWithOutput();
      return createHash('sha256')
        .update(Buffer.from(await (await get()).arrayBuffer()))
        .digest('hex');
    };

    expect(await hash()).toBe(await hash());
  });
});

describe('a file with a fault', () => {
  it.each<[CdnFault, number, string | null]>([
    [{ kind: 'status', status: 404 }, 404, 'text/plain; charset=utf-8'],
    [{ kind: 'status', status: 503 }, 503, 'text/plain; charset=utf-8'],
    [{ kind: 'contentType', contentType: 'text/html' }, 200, 'text/html'],
    [{ kind: 'page' }, 200, 'text/html'],
    [{ kind: 'page', body: '{}', contentType: 'application/json' }, 200, 'application/json'],
    [{ kind: 'encoding', contentEncoding: 'gzip', isTrue: true }, 200, 'video/mp4'],
  ])('responds with %j', async (fault, status, contentType) => {
    const { simulator, get } = await startWithOutput();
    simulator.faults.add({ operation: 'cdn', fault });

    const response = await get();

    expect([response.status, response.headers.get('content-type')]).toEqual([status, contentType]);
  });

  it('is missing for the first reads of each file', async () => {
    const { simulator, get } = await startWithOutput();
    simulator.faults.add({ operation: 'cdn', fault: { kind: 'notYet', reads: 2 } });

    const statuses = [(await get()).status, (await get()).status, (await get()).status];

    expect(statuses).toEqual([404, 404, 200]);
  });

  it.each<CdnFault>([
    { kind: 'truncated' },
    { kind: 'reset', afterBytes: 10 },
    { kind: 'truncated', afterBytes: 0 },
  ])('disconnects early: %j', async (fault) => {
    const { simulator, get } = await startWithOutput();
    simulator.faults.add({ operation: 'cdn', fault });

    const body = (async () => (await get()).arrayBuffer())();

    await expect(body).rejects.toThrow();
  });

  it('stalls', async () => {
    const { simulator, get } = await startWithOutput();
    simulator.faults.add({ operation: 'cdn', fault: { kind: 'stalled', afterBytes: 100 } });
    const reader = (await get()).body?.getReader();

    const first = await reader?.read();
    const second = await Promise.race([
      reader?.read(),
      new Promise((resolve) => setImmediate(resolve, 'nothing')),
    ]);

    expect([first?.value?.length, second]).toEqual([100, 'nothing']);
  });

  it('has no length, another length, or ignores ranges', async () => {
    const { simulator, get } = await startWithOutput();
    simulator.faults.add(
      { operation: 'cdn', times: 1, fault: { kind: 'chunked' } },
      { operation: 'cdn', times: 1, fault: { kind: 'otherSize', deltaBytes: -3 } },
      { operation: 'cdn', times: 1, fault: { kind: 'otherSize', deltaBytes: 7 } },
      { operation: 'cdn', times: 1, fault: { kind: 'ignoresRange' } },
    );

    const answers = [await get(), await get(), await get(), await get('bytes=0-1')];
    const lengths = await Promise.all(answers.map(async (answer) => (await answer.arrayBuffer()).byteLength));

    expect(answers.map(({ headers }) => headers.get('content-length'))).toEqual([
      null,
      '1000000',
      '1000010',
      '1000003',
    ]);
    expect(lengths).toEqual([SIZE, 1_000_000, 1_000_010, SIZE]);
  });

  it('redirects', async () => {
    const { simulator, get, url } = await startWithOutput();
    simulator.faults.add({ operation: 'cdn', fault: { kind: 'redirect' } });

    const first = await fetch(url, { redirect: 'manual' });
    const followed = await get();
    simulator.faults.clear();
    simulator.faults.add({
      operation: 'cdn',
      fault: { kind: 'redirect', location: 'http://169.254.169.254/', status: 307 },
    });
    const forbidden = await fetch(url, { redirect: 'manual' });

    expect([first.status, followed.status, followed.redirected]).toEqual([302, 200, true]);
    expect([forbidden.status, forbidden.headers.get('location')]).toEqual([307, 'http://169.254.169.254/']);
  });

  it('has a size other than its record’s', async () => {
    const { simulator, run, ended, detail } = await startWorld();
    simulator.faults.add({ operation: 'task', fault: { kind: 'wrongSize', deltaBytes: 5 } });

    const id = await run({ bytes: 100 }, 'wiro/simulated-video');
    const { outputUrls } = await ended(id);

    expect((await detail(id)).outputs[0]?.size).toBe('105');
    expect((await (await fetch(outputUrls[0] ?? '')).arrayBuffer()).byteLength).toBe(100);
  });
});

import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { readBody, startServer } from '../../local/aws/server.ts';
import { startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

type Mood = 'well' | 'away' | 'refusing' | 'silent about what it did';

/** Between the functions and the bus: passes on what it gets, or not, or keeps the answer. */
let mood: Mood = 'well';
let bus = '';
const asked: Mood[] = [];
const between = await startServer(async (request, response) => {
  const body = (await readBody(request, 1_000_000)) ?? Buffer.alloc(0);
  asked.push(mood);
  if (mood === 'away') return void response.writeHead(503).end();
  const { host: _, connection: __, ...headers } = request.headers;
  if (mood === 'refusing') {
    const entries = (JSON.parse(body.toString()) as { readonly Entries: unknown[] }).Entries;
    const refused = entries.map(() => ({ ErrorCode: 'InternalFailure', ErrorMessage: 'Later' }));
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    return void response.end(JSON.stringify({ FailedEntryCount: refused.length, Entries: refused }));
  }
  const answer = await fetch(bus, {
    method: 'POST',
    headers: headers as Record<string, string>,
    body: new Uint8Array(body),
  });
  if (mood === 'silent about what it did') return void response.destroy();
  response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(Buffer.from(await answer.arrayBuffer()));
});
afterAll(between.stop);
const system = await startSystem({
  durations: { retryMax: 200, lookMax: 200 },
  endpointOverrides: (_, { AWS_ENDPOINT_URL_EVENTBRIDGE = '' }) => {
    bus = AWS_ENDPOINT_URL_EVENTBRIDGE;
    return { AWS_ENDPOINT_URL_EVENTBRIDGE: between.endpoint };
  },
});
afterEach(() => {
  mood = 'well';
});

const submit = () => system.submit({ model: 'wiro/text-to-image', parameters: { prompt: 'A bell' } });

it.each<Mood>(['away', 'refusing', 'silent about what it did'])(
  'what happened is told again and again to a bus that is %s, until it has taken it',
  async (bad) => {
    mood = bad;
    asked.length = 0;
    const { id } = await submit();
    const done = await system.reached(id, ({ status }) => status === 'succeeded');
    // Long after the first tries: only `reconcile` is left to tell.
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBeGreaterThan(6);
    const before = await system.item(id);
    mood = 'well';

    await system.ended(id);

    expect(done.outputs).toHaveLength(1);
    expect(before).toMatchObject({
      announcements: expect.arrayContaining([expect.anything()]),
      dueAt: /^20/,
    });
    // However often it was told, a consumer that knows an `eventId` already hears each thing once.
    expect(system.eventsOf(id).map(({ detail }) => detail.status)).toEqual(['running', 'succeeded']);
    expect(await system.item(id)).not.toHaveProperty('dueAt');
    expect(system.tasksOf(id)).toHaveLength(1);
  },
);

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { expect, it, vi } from 'vitest';
import type { Timeline, TimelineEntry } from '../../client/index.ts';
import { eventually } from '../support/eventually.ts';
import { download, startSystem } from '../support/system.ts';

vi.setConfig({ testTimeout: 60_000 });

const PHOTOS = path.resolve(import.meta.dirname, '../../examples/photos');
const PARAMETERS = { prompt: 'Two friends watch a rocket start', width: 256, height: 256, samples: 2 };
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const system = await startSystem({
  simulator: { outputs: 'composed', durationDivisor: 1, taskDurationMs: 1_500 },
  // Nothing counts as overdue while a busy machine starts the first process.
  durations: { look: 60_000 },
});
const { environment, simulator } = system;
const { inputBucket, outputBucket } = environment.endpoints;
/** The main job, once, for every test of this file to look at. */
const job = runMainJob();
job.catch(() => {}); // each test fails with it

async function runMainJob() {
  for (const name of ['astronaut.png', 'photographer.png'])
    await system.put(name, await readFile(path.join(PHOTOS, name)), 'image/png');
  const answer = await system.post({
    model: 'wiro/story-maker-multi-character-consistency',
    parameters: PARAMETERS,
    inputs: { inputImage: 'astronaut.png', inputImage2: `s3://${inputBucket}/photographer.png` },
    labels: { order: '4711' },
  });
  const { id } = answer.body as { id: string };
  const running = await system.reached(id, ({ status }) => status === 'running');
  const heard = running.progress ? await listen(running.progress) : [];
  const record = await system.ended(id);
  const [task] = system.tasksOf(id);
  if (!task) throw new Error('There is no task');
  return { answer, id, running, heard, record, task };
}

/** What the task's socket says until the task is over. */
async function listen({ socketUrl, token }: { readonly socketUrl: string; readonly token: string }) {
  const heard: string[] = [];
  const socket = new WebSocket(socketUrl);
  socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'task_info', tasktoken: token })));
  socket.addEventListener('message', ({ data }) => heard.push(String(JSON.parse(String(data)).type)));
  await eventually('the last message', () => heard.includes('task_postprocess_end'));
  socket.close();
  return heard;
}

it('answers the request at once with the record', async () => {
  const { answer, id } = await job;

  expect(answer.status).toBe(202);
  expect(answer.headers.get('location')).toBe(`/generations/${id}`);
  expect(answer.body).toEqual({
    id: expect.stringMatching(/^[a-z2-7]{26}$/),
    model: 'wiro/story-maker-multi-character-consistency',
    status: expect.stringMatching(/^(queued|submitting)$/),
    attempt: 1,
    parameters: PARAMETERS,
    inputs: { inputImage: 'astronaut.png', inputImage2: `s3://${inputBucket}/photographer.png` },
    labels: { order: '4711' },
    // The average run costs $0.000585 a second for 4 seconds.
    priceUsd: 0.00234,
    priceCertainty: 'estimate',
    outputs: [],
    createdAt: TIME,
    updatedAt: TIME,
  });
});

it('says while it runs which task it is, and where to follow it', async () => {
  const { running, heard, task } = await job;

  expect(running).toMatchObject({
    taskId: task.id,
    progress: { socketUrl: simulator.socketUrl, token: task.token },
    outputs: [],
  });
  expect(heard).toEqual(expect.arrayContaining(['task_output', 'task_postprocess_end']));
});

it('brings the very photographs to Wiro, and the parameters as they were given', async () => {
  const { task } = await job;

  const brought = await Promise.all(task.inputUrls.map(async (url) => (await download(url)).bytes));

  expect(brought).toEqual([
    await readFile(path.join(PHOTOS, 'astronaut.png')),
    await readFile(path.join(PHOTOS, 'photographer.png')),
  ]);
  expect(task.parameters).toMatchObject(PARAMETERS);
});

it('ends with a record of the images, the cost and the time', async () => {
  const { id, record, task } = await job;

  const output = (index: number) => ({
    name: expect.stringMatching(/^[\w.-]+\.png$/),
    bucket: outputBucket,
    key: expect.stringMatching(new RegExp(`^outputs/${id}/1/${index}-[\\w.-]+\\.png$`)),
    contentType: 'image/png',
    sizeBytes: expect.any(Number),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    url: expect.stringMatching(/^http/),
    urlExpiresAt: TIME,
  });
  expect(record).toEqual({
    id,
    model: 'wiro/story-maker-multi-character-consistency',
    status: 'succeeded',
    attempt: 1,
    parameters: PARAMETERS,
    inputs: { inputImage: 'astronaut.png', inputImage2: `s3://${inputBucket}/photographer.png` },
    labels: { order: '4711' },
    taskId: task.id,
    outputs: [output(0), output(1)],
    priceUsd: 0.00234,
    priceCertainty: 'estimate',
    costUsd: 0.0008775, // 1.5 s at $0.000585
    elapsedSeconds: 1.5,
    createdAt: TIME,
    startedAt: TIME,
    updatedAt: TIME,
    endedAt: TIME,
  });
  expect(simulator.chargedUsd()).toBeCloseTo(0.0008775, 9);
});

it('has the whole of it in its timeline', async () => {
  const { id, record, task } = await job;

  const { body } = await system.call('GET', `/generations/${id}/timeline`);

  const { entries, ...rest } = body as Timeline;
  const attempt = 1;
  expect(rest).toEqual({ generationId: id });
  // Looks are quick here: one may find the end before its callback comes.
  const isCertain = ({ what }: TimelineEntry) => what !== 'look' && what !== 'callback';
  expect(entries.filter(isCertain)).toEqual([
    { at: record.createdAt, attempt, what: 'accepted' },
    { at: record.startedAt, attempt, what: 'run', taskId: task.id },
    { at: TIME, attempt, what: 'copy', outputs: 2 },
    { at: record.endedAt, attempt, what: 'end' },
    { at: record.updatedAt, attempt, what: 'announced' },
  ]);
});

it('stores byte for byte what the CDN serves', async () => {
  const { record, task } = await job;

  const stored = await Promise.all(record.outputs.map(({ key, bucket }) => system.object(key, bucket)));
  const served = await Promise.all(task.outputUrls.map((url) => download(url)));

  expect(served).toHaveLength(2);
  for (const [index, { bytes, response }] of served.entries()) {
    expect(stored[index]?.bytes.equals(bytes)).toBe(true);
    expect(stored[index]?.sha256).toBe(record.outputs[index]?.sha256);
    expect(stored[index]?.bytes.length).toBe(record.outputs[index]?.sizeBytes);
    expect(stored[index]?.contentType).toBe(response.headers.get('content-type'));
  }
  expect(stored[0]?.sha256).not.toBe(stored[1]?.sha256);
});

it('gives URLs that a browser can open for a quarter of an hour, and no longer', async () => {
  const { record } = await job;

  const { bytes, response } = await download(record.outputs[0]?.url ?? '');
  const leftMs = Date.parse(record.outputs[0]?.urlExpiresAt ?? '') - Date.now();

  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(bytes.length).toBe(record.outputs[0]?.sizeBytes);
  expect(leftMs).toBeGreaterThan(14 * 60_000);
  expect(leftMs).toBeLessThanOrEqual(15 * 60_000);
});

it('refuses a URL whose signature was changed', async () => {
  const { record } = await job;
  const url = new URL(record.outputs[0]?.url ?? '');
  const signature = url.searchParams.get('X-Amz-Signature') ?? '';
  url.searchParams.set(
    'X-Amz-Signature',
    signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
  );

  const { response } = await download(url.href);

  expect(response.status).toBe(403);
});

it('tells the bus that it runs and that it succeeded, with ids and keys and without parameters', async () => {
  const { id, record, task } = await job;

  const events = system.eventsOf(id);

  expect(events.map((event) => [event.source, event['detail-type']])).toEqual([
    ['wiro.generations', 'Generation Running'],
    ['wiro.generations', 'Generation Succeeded'],
  ]);
  const common = {
    id,
    deployment: 'local',
    model: 'wiro/story-maker-multi-character-consistency',
    attempt: 1,
    origin: 'api',
    labels: { order: '4711' },
    taskId: task.id,
    at: TIME,
    createdAt: record.createdAt,
  };
  expect(events[0]?.detail).toEqual({ ...common, eventId: `${id}.1.running`, status: 'running' });
  expect(events[1]?.detail).toEqual({
    ...common,
    eventId: `${id}.1.succeeded`,
    status: 'succeeded',
    outputs: record.outputs.map(({ url: _, urlExpiresAt: __, ...place }) => place),
    costUsd: 0.0008775,
  });
  expect(JSON.stringify(events)).not.toContain('rocket');
});

it('leaves nothing to look at in the table', async () => {
  const { id } = await job;

  const item = await system.item(id);

  expect(item).toMatchObject({ status: 'succeeded', announcements: [], attempt: 1 });
  expect(item).not.toHaveProperty('dueAt');
  expect(item).not.toHaveProperty('dueShard');
  expect(JSON.stringify(item).length).toBeLessThan(4 * 1024);
});

it('uploads each photograph once and runs once', async () => {
  await job;

  expect(simulator.requests()).toMatchObject({ Run: 1, 'File/Upload': 2 });
  expect(simulator.tasks()).toHaveLength(1);
});

it('keeps every secret out of logs, events and objects', async () => {
  const { record, task } = await job;
  await environment.idle();
  const metadata = await Promise.all(
    record.outputs.map(async ({ bucket, key }) => {
      const head = await system.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      const { Metadata, ContentDisposition, CacheControl, WebsiteRedirectLocation } = head;
      return [Metadata, ContentDisposition, CacheControl, WebsiteRedirectLocation];
    }),
  );

  const places = {
    logs: JSON.stringify(environment.logs()),
    events: JSON.stringify(environment.events()),
    metadata: JSON.stringify(metadata),
  };
  const secrets = {
    'the API key': simulator.apiKey,
    'the API secret': simulator.apiSecret ?? '',
    'the callback secret': await system.parameter('callback-secret'),
    "a callback's signature": task.callbackUrl.split('/').at(-1) ?? '',
    'the task token': task.token,
    'a presigned URL': 'X-Amz-Signature',
  };

  expect(places.logs.length).toBeGreaterThan(200);
  for (const [place, text] of Object.entries(places))
    for (const [what, secret] of Object.entries(secrets)) {
      expect(secret.length).toBeGreaterThan(10);
      expect(text.includes(secret), `${what} in the ${place}`).toBe(false);
    }
});

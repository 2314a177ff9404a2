import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createClient, type TaskMessage } from '../../client/index.ts';
import { serveAnswers } from './api-server.ts';

const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** A socket that tells these messages to whoever registers with the token, and hears what is sent to it. */
async function serveSocket(messages: readonly object[], { drops = false } = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  servers.push(server);
  const heard: unknown[] = [];
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      heard.push(JSON.parse(String(data)));
      for (const message of messages) socket.send(JSON.stringify(message));
      if (drops) socket.terminate();
    }),
  );
  await new Promise((resolve) => server.once('listening', resolve));
  return { socketUrl: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, heard };
}

const running = (progress?: object) => ({
  status: 200,
  body: { id: 'g1', status: 'running', ...(progress && { progress }) },
});
const done = { status: 200, body: { id: 'g1', status: 'succeeded', outputs: [] } };

it("tells what Wiro's socket tells, and reads the record as soon as the task has ended", async () => {
  const { socketUrl, heard } = await serveSocket([
    { type: 'task_start', id: '1', message: null },
    { type: 'task_output', id: '1', message: { percentage: 50 } },
    { type: 'task_postprocess_end', id: '1', message: [] },
  ]);
  const { url } = await serveAnswers(running({ socketUrl, token: 't1' }), done);
  const told: TaskMessage[] = [];

  const generation = await createClient({ url }).wait('g1', {
    onProgress: (message) => told.push(message),
    // The socket ends the pause: a minute would be the test's limit.
    maximumPollMs: 60_000,
  });

  expect(generation.status).toBe('succeeded');
  expect(heard).toEqual([{ type: 'task_info', tasktoken: 't1' }]);
  expect(told).toEqual([
    { kind: 'stage', stage: 'started' },
    { kind: 'progress', percentage: 50 },
    { kind: 'stage', stage: 'finished' },
  ]);
});

it.each([
  ['drops the connection', async () => (await serveSocket([], { drops: true })).socketUrl],
  ['is not there', async () => 'ws://127.0.0.1:1/v1'],
  ['has no address that can be', async () => 'not a url'],
])('goes on polling where the socket %s', async (_, socketUrl) => {
  const { url } = await serveAnswers(running({ socketUrl: await socketUrl(), token: 't1' }), running(), done);

  const generation = await createClient({ url }).wait('g1', { onProgress: () => {}, maximumPollMs: 50 });

  expect(generation.status).toBe('succeeded');
});

it('follows the task of the next attempt', async () => {
  const first = await serveSocket([{ type: 'task_cancel', id: '1', message: null }]);
  const second = await serveSocket([{ type: 'task_postprocess_end', id: '2', message: [] }]);
  const { url } = await serveAnswers(
    running({ socketUrl: first.socketUrl, token: 't1' }),
    running({ socketUrl: second.socketUrl, token: 't2' }),
    done,
  );

  await createClient({ url }).wait('g1', { onProgress: () => {}, maximumPollMs: 60_000 });

  expect([first.heard, second.heard]).toEqual([
    [{ type: 'task_info', tasktoken: 't1' }],
    [{ type: 'task_info', tasktoken: 't2' }],
  ]);
});

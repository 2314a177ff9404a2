import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { AwsCallError, callAws } from '../../functions/aws/call.ts';
import { DynamoDBClient, GetItemCommand } from '../../functions/aws/dynamodb.ts';
import { exchange } from '../../functions/aws/exchange.ts';

let server: Server;
let connections = 0;
beforeAll(async () => {
  // Accepts every request and answers none.
  server = createServer(() => {});
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

it('calls a service that never answers three times, then fails', async () => {
  const call = callAws(
    { name: 'events', endpointVariable: 'EVENTBRIDGE' },
    { path: '/', headers: {}, body: '{}' },
    { answerMs: 300 },
  );

  await expect(call).rejects.toThrow(new AwsCallError('events could not be reached'));
  // Count connections: on a busy machine the client may abort a request before it arrives.
  await vi.waitFor(() => expect(connections).toBe(3));
});

it('calls a table that never answers five times, then fails', async () => {
  const client = new DynamoDBClient({ answerMs: 300 });

  const read = client.send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' }, sk: { S: 'b' } } }));

  await expect(read).rejects.toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 5 } });
});

it('calls a second time on a new connection if all kept ones are dead', async () => {
  let isThawed = false;
  let afresh = 0;
  const frozen = createServer(({ socket }, response) => {
    if (isThawed && old.has(socket)) return void socket.resetAndDestroy();
    if (isThawed) afresh += 1;
    // All calls are under way before the first is answered, so that each has a connection.
    else if (old.add(socket).size < 8) return void waiting.push(() => response.end('{}'));
    for (const answer of waiting.splice(0)) answer();
    response.end('{}');
  });
  const old = new Set<Socket>();
  const waiting: (() => void)[] = [];
  await new Promise<void>((resolve) => frozen.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    frozen.closeAllConnections();
    frozen.close();
    vi.unstubAllEnvs();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', `http://127.0.0.1:${(frozen.address() as AddressInfo).port}`);
  const call = () =>
    callAws({ name: 'lambda', endpointVariable: 'LAMBDA' }, { path: '/', headers: {}, body: '{}' });
  await Promise.all(Array.from({ length: 8 }, call));

  isThawed = true;
  await call();

  expect([old.size, afresh]).toEqual([8, 1]);
});

it('gives up an answer that changes the protocol', async () => {
  const changing = createTcpServer((socket) => {
    const change = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n';
    socket.on('error', () => {}).once('data', () => socket.write(change));
  });
  await new Promise<void>((resolve) => changing.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void changing.close());
  const origin = new URL(`http://127.0.0.1:${(changing.address() as AddressInfo).port}`);

  const asked = exchange(
    { method: 'POST', origin, path: '/', headers: {}, body: '{}' },
    { connectMs: 1_000, answerMs: 100 },
  );

  await expect(asked).rejects.toThrow('no answer within 100 ms');
});

it('gives up an answer that drips for ever before the whole body was read', async () => {
  const dripping = createServer((_, response) => {
    const timer = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    dripping.closeAllConnections();
    dripping.close();
  });
  const origin = new URL(`http://127.0.0.1:${(dripping.address() as AddressInfo).port}`);
  // More than the buffers of two sockets hold.
  const body = Buffer.alloc(8 * 1024 * 1024);

  const asked = exchange(
    { method: 'PUT', origin, path: '/', headers: {}, body },
    { connectMs: 30_000, answerMs: 100, stallMs: 30_000 },
  );

  await expect(asked).rejects.toThrow('no answer within 100 ms');
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { AwsCallError, callAws } from '../../functions/aws/call.ts';
import { DynamoDBClient, GetItemCommand } from '../../functions/aws/dynamodb.ts';

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

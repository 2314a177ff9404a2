import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCallbackRelay } from './callback-relay.ts';
import { createSend } from './send.ts';

let server: Server;
let endpoint: string;
beforeAll(async () => {
  // Answers with the request that it received, and its host.
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(418).end(`${request.method} ${request.headers.host} ${request.url} ${body}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

it('sends a request for a host that does not resolve to the endpoint, under its own name', async () => {
  const url = 'https://abc.lambda-url.eu-central-1.on.aws/generations?a=%20b';

  const { status, body } = await createSend(endpoint)({ method: 'POST', url, body: 'ä' });

  expect([status, body.toString('utf8')]).toEqual([
    418,
    'POST abc.lambda-url.eu-central-1.on.aws /generations?a=%20b ä',
  ]);
});

it('relays callbacks to the Function URL once it is known, and says so before', async () => {
  const relay = await startCallbackRelay(createSend(endpoint));
  const call = async () => {
    const response = await fetch(`${relay.url}/deployment/id/1/signature`, { method: 'POST', body: '{}' });
    return [response.status, await response.text()];
  };

  const before = await call();
  relay.leadTo('https://def.lambda-url.eu-central-1.on.aws/');
  const after = await call();
  await relay.stop();

  expect(before).toEqual([503, 'The stack is not deployed yet']);
  expect(after).toEqual([418, 'POST def.lambda-url.eu-central-1.on.aws /deployment/id/1/signature {}']);
});

import { createServer, type RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { closeServer, listenLocally } from '../../local/aws/local-service.ts';
import { changeText, holdBack, standBefore } from './stand-before.ts';

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  onTestFinished(() => closeServer(server));
  return listenLocally(server, 0);
}

async function stand(...given: Parameters<typeof standBefore>): Promise<string> {
  const { endpoint, stop } = await standBefore(...given);
  onTestFinished(stop);
  return endpoint;
}

const echo: RequestListener = async (request, response) => {
  response.writeHead(201, { 'content-type': 'text/plain' });
  response.end(`${request.method} ${request.url} ${request.headers.host} ${await buffer(request)}`);
};

it.each([false, true])('hands a request on as it came, its body read before: %s', async (isRead) => {
  const target = await serve(echo);
  const endpoint = await stand(target, async (request, _, handOn) =>
    handOn(isRead ? await buffer(request) : undefined),
  );

  const answer = await fetch(`${endpoint}/a%20b?x=1`, { method: 'PUT', body: 'bytes' });

  expect([answer.status, await answer.text()]).toEqual([
    201,
    `PUT /a%20b?x=1 ${new URL(endpoint).host} bytes`,
  ]);
});

it('changes the text of an answer, whatever its status, and its length with it', async () => {
  const target = await serve((_, response) => {
    response.statusCode = 503;
    response.end('one and one');
  });
  const endpoint = await stand(target, async (_, response, handOn) => {
    changeText(response, (text) => text.replaceAll('one', 'three'));
    handOn();
  });

  const answer = await fetch(endpoint);

  expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([
    503,
    '15',
    'three and three',
  ]);
});

const inPieces: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': 100 });
  response.flushHeaders();
  response.write('a part');
  response.end();
};

it('cuts off an answer in pieces whose text was to be changed', async () => {
  const endpoint = await stand(await serve(inPieces), async (_, response, handOn) => {
    changeText(response, (text) => text);
    handOn();
  });

  await expect(fetch(endpoint)).rejects.toThrow('fetch failed');
});

it('holds an answer back whole, and says when it was given', async () => {
  const endpoint = await stand(await serve(inPieces), async (_, response, handOn) => {
    holdBack(response, () => response.socket?.end('HTTP/1.1 299 Held back\r\nconnection: close\r\n\r\n'));
    handOn();
  });

  const answer = await fetch(endpoint);

  expect([answer.status, await answer.text()]).toEqual([299, '']);
});

it('says so when there is no such server here', async () => {
  await expect(standBefore('http://127.0.0.1:1', async () => {})).rejects.toThrow(
    'Cannot stand before http://127.0.0.1:1: it is no server of this process',
  );
});

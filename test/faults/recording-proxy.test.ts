import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { closeServer, listenLocally } from '../../local/aws/local-service.ts';
import { callName, type Place, parseCaseName } from './calls.ts';
import { findCaller } from './find-caller.ts';
import { createRecorder } from './recorder.ts';
import { startRecordingProxy } from './recording-proxy.ts';

/** A service that counts what it did, and a proxy before it that kills whoever calls at `place`. */
async function proxyWorld(place: Place) {
  const done: string[] = [];
  const server = createServer(async (request, response) => {
    for await (const chunk of request) done.push(`${request.headers.host} ${request.url} ${chunk}`);
    response.end('done');
  });
  const target = await listenLocally(server, 0);
  const recorder = createRecorder();
  let callers: (number | undefined)[] = [];
  const proxy = await startRecordingProxy({
    service: 'S3',
    target,
    onCall: (operation) => recorder.meet('submit', operation),
    kill: (caller) => {
      const found = findCaller(caller, [process.pid, child.pid ?? 0]);
      callers = [...callers, found];
      if (found !== undefined && found !== process.pid) process.kill(found, 'SIGKILL');
    },
  });
  onTestFinished(async () => {
    await proxy.stop();
    await closeServer(server);
  });
  recorder.start({ call: { functionName: 'submit', operation: 'S3.PutObject', ordinal: 1 }, place });
  const script = `const answer = await fetch('${proxy.endpoint}/a%20b?x=1', { method: 'PUT', body: 'bytes' });
    console.log(await answer.text()); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [, signal] = await once(child, 'exit');
  const calls = recorder.stop().map(callName);
  return {
    done,
    said: said.trim(),
    signal,
    calls,
    callers,
    pid: child.pid,
    host: new URL(proxy.endpoint).host,
  };
}

const onLinux = it.skipIf(process.platform !== 'linux');

onLinux('kills the caller before its request is delivered', async () => {
  const { done, said, signal, calls, callers, pid } = await proxyWorld('undelivered');

  expect({ done, said, signal }).toEqual({ done: [], said: '', signal: 'SIGKILL' });
  expect(calls).toEqual(['submit S3.PutObject #1']);
  expect(callers).toEqual([pid]);
});

onLinux('kills the caller once the server did it, and lets no answer through', async () => {
  const { done, said, signal, host } = await proxyWorld('unanswered');

  expect({ done, said, signal }).toEqual({ done: [`${host} /a%20b?x=1 bytes`], said: '', signal: 'SIGKILL' });
});

onLinux('kills the caller once it was answered', async () => {
  const { done, signal } = await proxyWorld('answered');

  expect(done).toHaveLength(1);
  expect(signal).toBe('SIGKILL');
});

it('lets pass what Wiro fetches by a link: no function calls', async () => {
  const calls: string[] = [];
  const server = createServer((_, response) => response.end('the object'));
  const target = await listenLocally(server, 0);
  const proxy = await startRecordingProxy({
    service: 'S3',
    target,
    onCall: (operation) => {
      calls.push(operation);
      return 'undelivered';
    },
    kill: (caller) => caller.destroy(),
  });
  onTestFinished(async () => {
    await proxy.stop();
    await closeServer(server);
  });

  const answer = await fetch(`${proxy.endpoint}/photos/a.png?X-Amz-Signature=abc`);

  expect([await answer.text(), calls]).toEqual(['the object', []]);
});

it('reads the name of a case that it has given', () => {
  expect(
    parseCaseName('96 then success: submit DynamoDB.PutItem state:submitting+mark #2, unanswered'),
  ).toEqual({
    flow: '96 then success',
    call: { functionName: 'submit', operation: 'DynamoDB.PutItem state:submitting+mark', ordinal: 2 },
    place: 'unanswered',
  });
});

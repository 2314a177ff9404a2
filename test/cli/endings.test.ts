import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../cli/program.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from './support.ts';

const folder = temporaryFolder();
let server: Server;
/** The routes that never answer. */
let silent: RegExp;
/** The routes whose connection breaks. */
let broken: RegExp;
let reached: string[];
let messages: string;
/** What listens without the program. */
let before: ReadonlyMap<string, readonly unknown[]>;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const answerOf = ({ method, url = '' }: IncomingMessage): object => {
  const id = /^\/generations\/(g\d)/.exec(url)?.[1];
  if (id !== undefined) return { id, model: 'a/b', status: 'queued', attempt: 1, outputs: [] };
  if (method === 'POST' && url === '/generations') return { id: 'g1', status: 'queued', outputs: [] };
  return {
    generations: [{ id: 'g1', model: 'a/b', status: 'queued', createdAt: '2026-11-29T00:00:00.000Z' }],
  };
};

beforeEach(async () => {
  silent = /^$/;
  broken = /^$/;
  reached = [];
  messages = '';
  before = new Map(SIGNALS.map((name) => [name, process.listeners(name)]));
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const route = `${request.method} ${request.url}`;
    request.resume();
    reached.push(route);
    if (silent.test(route)) return;
    if (broken.test(route)) return void request.socket.destroy();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answerOf(request)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await writeFile(folder.file('endpoints.json'), JSON.stringify({ api, region: 'us-east-1' }));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    messages += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const name of SIGNALS)
    for (const listener of process.listeners(name))
      if (!before.get(name)?.includes(listener)) process.off(name, listener);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const run = (...args: string[]) => runProgram(['--data', folder.path, ...args], { version: '1.0.0' });

describe('Ctrl-C', () => {
  it.each([
    [
      'before a request is sent',
      /^POST \/uploads/,
      ['run', 'a/b', '-i', 'image=photo.png'],
      'Interrupted. Nothing was submitted. Repeat the command.',
    ],
    [
      'while a request is sent',
      /^POST \/generations$/,
      ['run', 'a/b'],
      /^Interrupted\. The request may have been accepted: look with "npm run -s cli -- --data \S+ list"\.$/m,
    ],
    [
      'before a row is sent',
      /^POST \/generations$/,
      ['submit', 'rows.json'],
      'Interrupted. This run submitted nothing. Repeat the command.',
    ],
    [
      'while something is read',
      /^GET \/generations\/g1$/,
      ['show', 'g1'],
      'Interrupted. Repeat the command.',
    ],
  ])('%s says how to go on', async (_, route, args, advice) => {
    silent = route;
    await writeFile(folder.file('photo.png'), 'x');
    await writeFile(folder.file('rows.json'), '[{"model":"a/b"}]');
    const files = args.map((arg) =>
      arg.replace('photo.png', folder.file('photo.png')).replace('rows.json', folder.file('rows.json')),
    );

    const ended = run(...files);
    await eventually('the request', () => reached.some((one) => route.test(one)));
    process.emit('SIGINT', 'SIGINT');

    expect(await ended).toBe(130);
    if (typeof advice === 'string') expect(messages.trim().split('\n').at(-1)).toBe(advice);
    else expect(messages).toMatch(advice);
  });
});

it('a run whose answer is lost names the key with which a repeat starts nothing twice', async () => {
  broken = /^POST \/generations$/;

  expect(await run('run', 'a/b')).toBe(3);

  expect(messages).toMatch(
    /may have been accepted.* add --key [0-9a-f-]{36}: then nothing is started twice\./,
  );
}, 20_000);

it('a batch that another process submits is left to it', async () => {
  silent = /^POST/;
  await writeFile(folder.file('rows.json'), '[{"model":"a/b"}]');
  const first = run('submit', folder.file('rows.json'));
  await eventually('the check', () => reached.length > 0);

  const second = await run('submit', folder.file('rows.json'));

  expect(second).toBe(1);
  expect(messages).toMatch(/^Another "submit" works with .*rows\.json\.journal\.jsonl at this moment: wait/m);
  process.emit('SIGINT', 'SIGINT');
  expect(await first).toBe(130);
});

describe('an output that nothing reads', () => {
  const failStdout = (code: string) =>
    vi.spyOn(process.stdout, 'write').mockImplementation((...args: unknown[]) => {
      const [text, done] = args;
      if (text !== '')
        process.nextTick(() => process.stdout.emit('error', Object.assign(new Error(code), { code })));
      if (typeof done === 'function') setImmediate(done as () => void);
      return true;
    });
  afterEach(() => void process.stdout.removeAllListeners('error'));

  it('ends a list without a word', async () => {
    failStdout('EPIPE');

    expect(await run('list', '--json')).toBe(0);
    expect(messages).toBe('');
  });

  it('stops a batch, whose journal keeps what was accepted', async () => {
    failStdout('EPIPE');
    // The second is never answered, so only the lost output can end the command.
    const rows = [0, 1].map((row) => ({ model: 'a/b', parameters: { row } }));
    await writeFile(folder.file('rows.json'), JSON.stringify(rows));
    let posts = 0;
    server.removeAllListeners('request');
    server.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const isDry = JSON.parse(body).dryRun === true;
      if (!isDry) posts += 1;
      if (posts === 2) return;
      const answer = isDry
        ? { dryRun: true, valid: true, problems: [], warnings: [], price: { certainty: 'exact', usd: 0.04 } }
        : { id: 'g1', model: 'a/b', status: 'queued', createdAt: '2026-11-29T00:00:00.000Z' };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });

    const code = await run('submit', folder.file('rows.json'), '--json', '--concurrency', '1');

    expect(code).toBe(141);
    expect(messages).toContain(
      'Nothing reads the output any more. 1 of 2 requests were accepted and go on. Repeat the command for the others: nothing is started twice.',
    );
  });

  it('fails if it cannot be written for another reason', async () => {
    failStdout('ENOSPC');

    expect(await run('list')).toBe(1);
    expect(messages).toBe('Cannot write the output (ENOSPC).\n');
  });
});

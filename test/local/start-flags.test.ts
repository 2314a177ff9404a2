import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { closeServer, listenLocally } from '../../local/aws/local-service.ts';
import { startServer } from '../../local/aws/server.ts';
import { startOn } from '../../local/ports.ts';
import { reportUnreachable } from '../../local/reachable.ts';
import { readStartFlags } from '../../local/start-flags.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/presets.json');
const read = (...args: string[]) => readStartFlags(args, '/data');

function fileWith(content: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'start-flags-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'presets.json');
  writeFileSync(file, content);
  return file;
}

it('gives each service the next port from --port on', () => {
  expect(read('--port', '4100')).toEqual({
    dataDir: '/data',
    ports: {
      console: 4100,
      api: 4101,
      callback: 4102,
      s3: 4103,
      dynamodb: 4104,
      ssm: 4105,
      lambda: 4106,
      events: 4107,
      wiro: 4108,
      mcp: 4109,
    },
  });
});

it('merges the presets of several files', () => {
  const more = fileWith('{"stories": {"model": "wiro/x", "fileParameter": "image"}}');

  const presets = read('--preset', EXAMPLE, '--preset', more)?.presets;

  expect(Object.keys(presets ?? {})).toEqual(['portraits', 'stories']);
});

it.each([
  [['--port', '0'], '--port is "0": use a whole number from 1 to 65526.'],
  [['--port', '65527'], '--port is "65527": use a whole number from 1 to 65526.'],
  [['--prot', '1'], "Unknown option '--prot': see npm start -- --help"],
  [['--preset', 'none.json'], 'The presets in none.json cannot be used: it does not exist.'],
])('refuses %j in one sentence', (args, sentence) => {
  expect(() => read(...args)).toThrow(sentence);
});

it.each([
  ['{"Portraits": {}}', /cannot be used: presets\.Portraits: the name of a preset is a folder under uploads/],
  ['{"a": {"model": "wiro/x"}}', /cannot be used: presets\.a\.fileParameter must name the parameter/],
  ['{', /cannot be used: .*JSON/],
])('refuses the presets %s as a deployment does', (content, sentence) => {
  expect(() => read('--preset', fileWith(content))).toThrow(sentence);
});

it('names the service whose port is taken', async () => {
  const taken = createServer();
  const port = Number(new URL(await listenLocally(taken, 0)).port);
  onTestFinished(() => closeServer(taken));

  const starting = startOn({ s3: port }, 's3', (given) => startServer(async () => {}, given));

  await expect(starting).rejects.toThrow(
    `Port ${port} for S3 is in use: stop the process that listens on it, or choose others with --port, which takes 10 ports from its number on.`,
  );
});

it('says once that a real Wiro does not answer, and nothing if it does', async () => {
  const server = createServer((_, response) => response.writeHead(404).end());
  const endpoint = await listenLocally(server, 0);
  const printed: string[] = [];

  await reportUnreachable(`${endpoint}/v1`, (line) => printed.push(line));
  const reached = [...printed];
  await closeServer(server);
  await reportUnreachable(`${endpoint}/v1`, (line) => printed.push(line));

  expect(reached).toEqual([]);
  expect(printed).toEqual([
    `Wiro does not answer at ${new URL(endpoint).host} (ECONNREFUSED): is this machine online? Requests are accepted, and run once Wiro answers.`,
  ]);
});

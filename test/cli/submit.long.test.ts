import { readFileSync } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import type { GenerationRow } from '../../client/index.ts';
import { eventually } from '../support/eventually.ts';
import { sha256, startSystem } from '../support/system.ts';
import { buildCommandLine, publishEndpoints } from './command-line.ts';

vi.setConfig({ testTimeout: 600_000 });

const ROWS = 500;
const system = await startSystem();
const cli = await buildCommandLine();
await publishEndpoints(cli.folder, system.environment.endpoints);
await copyFile(
  path.resolve(import.meta.dirname, '../../examples/photos/photographer.png'),
  cli.file('one.png'),
);

const journalOf = (file: string) => {
  try {
    return readFileSync(cli.file(`${file}.journal.jsonl`), 'utf8');
  } catch {
    return '';
  }
};
const acceptedIn = (file: string) =>
  [...journalOf(file).matchAll(/^\{"accepted".*"id":"(\w+)"/gm)].map(([, id]) => id);

it('a file without its journal starts nothing twice: what it submits again is the same, or refused', async () => {
  const rows = Array.from({ length: 10 }, (_, index) => `wiro/text-to-image,Hill ${index},`);
  await writeFile(
    cli.file('lost.csv'),
    `model,prompt,inputImage\n${rows.join('\n')}\nwiro/image-to-image,A castle,one.png\n`,
  );
  const submit = ['submit', 'lost.csv', '--label', 'batch=lost'];
  const list = async () =>
    (await cli.run(['list', '--label', 'batch=lost', '--limit', '100', '--json'])).stdout.trim().split('\n');

  const first = await cli.run(submit);
  await rm(cli.file('lost.csv.journal.jsonl'));
  const again = await cli.run(submit);

  expect(first, first.stderr).toMatchObject({ code: 0 });
  expect(again).toMatchObject({
    code: 1,
    stdout: 'Accepted 10 requests, 10 of them before. Their ids are in lost.csv.journal.jsonl.\n',
  });
  expect(again.stderr).toMatch(/^lost\.csv:12: it was submitted before with files that were uploaded then/m);
  expect(await list()).toHaveLength(11);
});

it('a small batch is priced, waited for and downloaded; another batch of the same file runs anew', async () => {
  await writeFile(
    cli.file('two.json'),
    JSON.stringify([
      { model: 'wiro/text-to-image', parameters: { prompt: 'A lighthouse' } },
      { model: 'wiro/image-to-image', parameters: { prompt: 'A castle' }, inputs: { inputImage: 'one.png' } },
    ]),
  );

  const priced = await cli.run(['submit', 'two.json', '--dry-run', '--json']);
  const ran = await cli.run(['submit', 'two.json', '-o', 'pictures', '--json']);
  const again = await cli.run(['submit', 'two.json', '-o', 'pictures', '--json']);
  const anew = await cli.run(['submit', 'two.json', '--batch', 'second', '--wait']);

  expect(JSON.parse(priced.stdout)).toMatchObject({ requests: 2, priceUsd: 0.07 });
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  const rows = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; files: string[] });
  for (const { id, files } of rows) {
    const { outputs } = await system.read(id);
    expect(files).toEqual([`pictures/${id}/0.png`]);
    expect(sha256(await readFile(cli.file(files[0] ?? '')))).toBe(outputs[0]?.sha256);
  }
  expect(again.stdout.trim().split('\n').sort()).toEqual(ran.stdout.trim().split('\n').sort());
  expect(anew).toMatchObject({ code: 0, stdout: '2 of 2 generations succeeded. Cost: $0.07\n' });
  const runs = system.simulator.tasks().map(({ callbackUrl }) => callbackUrl);
  expect(new Set(runs).size).toBe(runs.length);
});

it('everything that is wrong with a file is said with its lines before anything is submitted', async () => {
  await writeFile(
    cli.file('wrong.csv'),
    'model,prompt,width,inputImage\nwiro/text-to-image,fine,,\nwiro/text-to-image,,abc,\nwiro/text-to-imag,x,,\nwiro/image-to-image,x,,none.png\n',
  );
  const before = system.simulator.tasks().length;

  const refused = await cli.run(['submit', 'wrong.csv']);

  expect(refused).toMatchObject({ code: 2, stdout: '' });
  const problems = refused.stderr.split('\n').filter((line) => line.startsWith('wrong.csv:'));
  expect(problems).toEqual([
    expect.stringMatching(/^wrong\.csv:3: parameters\.prompt is missing/),
    expect.stringMatching(/^wrong\.csv:3: parameters\.width must be a number/),
    expect.stringMatching(
      /^wrong\.csv:4: model "wiro\/text-to-imag" does not exist .* Did you mean "wiro\/text-to-image"\?/,
    ),
    expect.stringMatching(/^wrong\.csv:5: inputImage: there is no file "none\.png"/),
  ]);
  expect(refused.stderr).toMatch(/Nothing was submitted\.\n$/);
  expect(journalOf('wrong.csv')).toBe('');
  expect(system.simulator.tasks().length).toBe(before);
});

// The last, so that no other waits for what it starts.
it('500 rows of a table are interrupted by Ctrl-C, killed, resumed, and each runs once', async () => {
  // Every tenth names a photograph, and some rows are equal.
  const rows = Array.from({ length: ROWS }, (_, index) =>
    index % 10 === 0
      ? `wiro/image-to-image,"Row ${index}, with a photograph",one.png,${index}`
      : `wiro/text-to-image,Row ${index % 100},,all`,
  );
  await writeFile(cli.file('many.csv'), `model,prompt,inputImage,label.row\r\n${rows.join('\r\n')}\r\n`);
  const submit = ['submit', 'many.csv', '--label', 'batch=many'];

  const first = await cli.start(submit);
  await eventually('a hundred accepted', () => acceptedIn('many.csv').length >= 100, 300_000);
  first.process.kill('SIGINT');
  const interrupted = await first.ended;
  const afterFirst = acceptedIn('many.csv').length;
  const second = await cli.start(submit);
  await eventually('fifty more', () => acceptedIn('many.csv').length >= afterFirst + 50, 300_000);
  second.process.kill('SIGKILL');
  await second.ended;
  const third = await cli.run(submit);
  const listed = await cli.run(['list', '--label', 'batch=many', '--limit', '1000', '--json']);
  const again = await cli.run([...submit, '--json']);

  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toMatch(
    /Interrupted\. \d+ of 500 requests were accepted and go on\. Repeat the command for the others: nothing is started twice\.\n$/,
  );
  expect(afterFirst).toBeLessThan(ROWS);
  expect(third, third.stderr).toMatchObject({ code: 0 });
  expect(third.stdout).toMatch(
    /^Accepted 500 requests(?:, \d+ of them before)?\. Their ids are in many\.csv\.journal\.jsonl\.\n$/,
  );
  const ids = listed.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as GenerationRow).id);
  expect(new Set(ids).size).toBe(ROWS);
  expect(ids).toHaveLength(ROWS);
  expect(new Set(acceptedIn('many.csv'))).toEqual(new Set(ids));
  expect(again.stdout.trim().split('\n')).toHaveLength(ROWS);
  // The photograph was uploaded once, whatever happened.
  expect(journalOf('many.csv').match(/^\{"upload"/gm)).toHaveLength(1);
  const runs = system.simulator.tasks().map(({ callbackUrl }) => callbackUrl);
  expect(new Set(runs).size).toBe(runs.length);
});

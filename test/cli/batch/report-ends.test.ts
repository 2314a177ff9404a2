import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { Journal } from '../../../cli/batch/journal.ts';
import { openJournal } from '../../../cli/batch/journal.ts';
import { reportEnds } from '../../../cli/batch/report-ends.ts';
import type { Cli } from '../../../cli/cli.ts';
import type { Client, Generation } from '../../../client/index.ts';
import { serveAnswers } from '../../client/api-server.ts';
import { temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
const IDS = ['g1', 'g2'] as const;

function world(urls: readonly string[]) {
  const said: string[] = [];
  const generations = IDS.map((id, index) => ({
    id,
    status: 'succeeded',
    costUsd: 0.04,
    outputs: [
      {
        name: '0.png',
        sizeBytes: 3,
        sha256: createHash('sha256').update('one').digest('hex'),
        url: urls[index] ?? '',
      },
    ],
  })) as unknown as Generation[];
  const client = {
    list: async function* () {
      yield* generations;
    },
    get: async (id: string) => generations.find((one) => one.id === id),
  } as unknown as Client;
  const cli = {
    isJson: false,
    client: async () => client,
    signal: new AbortController().signal,
    progress: { progress: () => {}, end: () => {}, line: () => {} },
    onInterrupt: () => {},
    print: (text: string) => said.push(text),
    note: (text: string) => said.push(text),
  } as unknown as Cli;
  const open = () =>
    openJournal({ file: folder.file('j.jsonl'), deployment: 'stack A', batch: 'b', now: () => new Date(0) });
  const report = (journal: Journal, output: string) =>
    reportEnds(cli, {
      file: 'rows.csv',
      journal,
      output,
      accepted: IDS.map((id, index) => ({ id, line: index + 2, createdAt: '2026-11-29T00:00:00.000Z' })),
    });
  return { said, open, report };
}

it('an output that is gone fails its row, which a repeat tries again, and not the others', async () => {
  const gone = await serveAnswers(...Array.from({ length: 6 }, () => ({ status: 404, text: 'gone' })));
  const there = await serveAnswers({ status: 200, text: 'one' });
  const { said, open, report } = world([gone.url, there.url]);
  const journal = open();

  const failure = await report(journal, folder.file('out')).catch((error) => error);
  const next = await report(journal, folder.file('out')).catch((error) => error);
  journal.close();

  for (const { message } of [failure, next])
    expect(message).toMatch(
      /^rows\.csv:2: Cannot save 0\.png of g1 \(HTTP 404\)\.\n1 generation did not succeed\.$/,
    );
  expect(said).toContain('1 of 2 generations succeeded. Cost: $0.08');
  expect([gone.heard.length, there.heard.length]).toEqual([6, 1]);
});

it('a folder that cannot be written stops the command, which says that nothing is lost', async () => {
  const { url } = await serveAnswers();
  const { open, report } = world([url, url]);
  await writeFile(folder.file('out'), 'a file');
  const journal = open();

  const failure = await report(journal, folder.file('out')).catch((error) => error);
  journal.close();

  expect(failure.message).toMatch(
    /^Cannot save 0\.png of g1 \(E\w+: .*\)\.\nAll outputs are kept in the bucket\. Mend that/,
  );
  expect(failure.exitCode).toBe(1);
});

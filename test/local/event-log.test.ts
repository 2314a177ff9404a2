import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { BusEvent } from '../../local/aws/events.ts';
import { openEventLog } from '../../local/event-log.ts';

const event = (id: string): BusEvent => ({
  version: '0',
  id,
  'detail-type': 'Generation Succeeded',
  source: 'wiro.generations',
  account: '000000000000',
  time: '2026-11-29T00:00:00Z',
  region: 'us-east-1',
  resources: [],
  detail: { id: 'g1' },
});
const SIZE = JSON.stringify(event('0')).length + 1;

it('keeps events across restarts, and no more than two files of them', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'event-log-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'events.jsonl');
  const idsIn = async (name: string) =>
    (await readFile(path.join(folder, name), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as BusEvent).id);

  const add = openEventLog(file, 3 * SIZE);
  for (const id of ['1', '2', '3', '4']) add(event(id));
  const again = openEventLog(file, 3 * SIZE);
  for (const id of ['5', '6', '7', '8']) again(event(id));

  expect((await readdir(folder)).sort()).toEqual(['events.1.jsonl', 'events.jsonl']);
  expect(await idsIn('events.1.jsonl')).toEqual(['4', '5', '6']);
  expect(await idsIn('events.jsonl')).toEqual(['7', '8']);
});

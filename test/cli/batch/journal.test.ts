import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openJournal } from '../../../cli/batch/journal.ts';
import { temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
let now = new Date('2026-11-29T00:00:00Z');
const open = (more = {}) =>
  openJournal({ file: folder.file('j.jsonl'), deployment: 'stack A', batch: 'b1', now: () => now, ...more });

it('keeps what happened for the next run, whatever its file is now', () => {
  const first = open();
  first.noteUpload('digest', 'inputs/1/a.png');
  first.noteSent('k1', { image: 'inputs/1/a.png' });
  first.noteAccepted('k1', { id: 'g1', line: 2, createdAt: '2026-11-29T00:00:01.000Z' });
  first.noteEnd('g1', { status: 'succeeded', costUsd: 0.04, files: ['g1/0.png'] });
  first.close();

  const next = open({ batch: 'changed' });

  expect(next.batch).toBe('b1');
  expect(next.uploadOf('digest')).toBe('inputs/1/a.png');
  expect(next.sentInputs('k1')).toEqual({ image: 'inputs/1/a.png' });
  expect(next.accepted('k1')).toMatchObject({ id: 'g1', line: 2 });
  expect(next.end('g1')).toMatchObject({ status: 'succeeded', costUsd: 0.04 });
  next.close();
});

it('passes over a line that a killed process left unfinished', () => {
  const first = open();
  first.noteAccepted('k1', { id: 'g1', line: 2, createdAt: 't' });
  first.close();
  appendFileSync(folder.file('j.jsonl'), '{"accepted":"k2","id":"g');

  const next = open();
  next.noteAccepted('k3', { id: 'g3', line: 4, createdAt: 't' });
  next.close();

  const last = open({ isReadOnly: true });
  expect([last.accepted('k1')?.id, last.accepted('k2'), last.accepted('k3')?.id]).toEqual([
    'g1',
    undefined,
    'g3',
  ]);
});

it('begins again if it was killed within its first line', () => {
  writeFileSync(folder.file('j.jsonl'), '{"wiroServerl');

  open().close();

  expect(readFileSync(folder.file('j.jsonl'), 'utf8')).toBe(
    '{"wiroServerless":"journal 1","deployment":"stack A","batch":"b1"}\n',
  );
});

it('does not use an upload that may have expired', () => {
  const first = open();
  first.noteUpload('digest', 'inputs/1/a.png');
  first.close();
  now = new Date('2026-11-29T13:00:00Z');

  const next = open();

  expect(next.uploadOf('digest')).toBeUndefined();
  next.close();
});

it('is not that of another deployment, nor any other file', () => {
  open().close();
  expect(() => open({ deployment: 'stack B' })).toThrow(
    'is the journal of another deployment (stack A, not stack B): name another file with --journal.',
  );

  writeFileSync(folder.file('j.jsonl'), 'model,prompt\n');
  expect(() => open()).toThrow('is no journal of this command');
  expect(readFileSync(folder.file('j.jsonl'), 'utf8')).toBe('model,prompt\n');
});

it('writes nothing when it only reads', () => {
  open({ isReadOnly: true }).noteSent('k', {});

  expect(() => readFileSync(folder.file('j.jsonl'))).toThrow('ENOENT');
});

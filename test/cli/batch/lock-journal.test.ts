import { mkdir, symlink } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { lockJournal } from '../../../cli/batch/lock-journal.ts';
import { temporaryFolder } from '../support.ts';

const folder = temporaryFolder();

it('lets one work with a journal at a time, whatever it is called', async () => {
  await mkdir(folder.file('real'));
  await symlink(folder.file('real'), folder.file('alias'));
  const release = await lockJournal(folder.file('real/j.jsonl'));

  await expect(lockJournal(folder.file('alias/../real/j.jsonl'))).rejects.toMatchObject({
    message: expect.stringMatching(/^Another "submit" works with .*: wait .* This one submitted nothing\.$/),
    exitCode: 1,
  });
  await expect(lockJournal(folder.file('alias/j.jsonl'))).rejects.toThrow('Another "submit"');
  (await lockJournal(folder.file('real/other.jsonl')))();
  release();
  (await lockJournal(folder.file('alias/j.jsonl')))();
});

it('needs no folder that exists', async () => {
  (await lockJournal(folder.file('nothing/here/j.jsonl')))();
});

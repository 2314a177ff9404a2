import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { EXIT } from '../../cli/errors.ts';
import { requireOutputFolder } from '../../cli/output-folder.ts';
import { temporaryFolder } from './support.ts';

const folder = temporaryFolder();

it('a folder for outputs may be there or not yet, and no file', async () => {
  await writeFile(folder.file('taken'), '');

  await requireOutputFolder(folder.path);
  await requireOutputFolder(folder.file('new/one'));
  for (const name of ['taken', 'taken/one'])
    await expect(requireOutputFolder(folder.file(name))).rejects.toMatchObject({
      message: `Cannot put outputs into "${folder.file(name)}" (a file has this name): name another folder with -o.`,
      exitCode: EXIT.usage,
    });
});

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { usageError } from './errors.ts';
import { plain } from './text.ts';

/**
 * Checks that files can be put into a folder, which need not exist yet: before anything is paid for.
 * @throws {CliError} If they cannot.
 */
export async function requireOutputFolder(folder: string): Promise<void> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    try {
      if (!(await stat(at)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
      await access(at, constants.W_OK | constants.X_OK);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && at !== path.dirname(at)) continue;
      const reason = code === 'ENOTDIR' ? 'a file has this name' : `${code}: it cannot be written`;
      throw usageError(
        `Cannot put outputs into "${plain(folder)}" (${reason}): name another folder with -o.`,
      );
    }
  }
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Defined by the package's build. */
declare const PACKAGED: true | undefined;

/** The file of the package that holds the page. */
export const PAGE_FILE = 'console.html';

/** Reads the page from the package, or builds it in the project's own repository. */
export async function readPage(): Promise<string> {
  if (typeof PACKAGED !== 'undefined') return readFile(path.join(import.meta.dirname, PAGE_FILE), 'utf8');
  const { buildPage } = await import('./build-page.ts');
  return (await buildPage()).html;
}

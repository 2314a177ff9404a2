import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeRooms } from './rooms.ts';

/** Every file that is written from the code, by its path from the root, as it is to be now. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const contributing = await readFile(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  return new Map([['CONTRIBUTING.md', between('rooms', contributing, describeRooms())]]);
}

/** The generated files that do not say what the code says, each as a line for a person. */
export async function staleFiles(root: string): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [file, wanted] of await generatedFiles(root))
    if ((await readFile(path.join(root, file), 'utf8').catch(() => '')) !== wanted)
      stale.push(`${file} is not what the code says any more: run "npm run generate".`);
  return stale;
}

/** A page with the text between the two comments of that name replaced. */
function between(name: string, page: string, text: string): string {
  const marked = new RegExp(`(<!-- ${name}:[^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marked.test(page)) throw new Error(`No <!-- ${name}: … --> and <!-- /${name} --> are in the page`);
  return page.replace(marked, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
}

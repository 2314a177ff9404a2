import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeApi, undocumented } from './api-reference.ts';
import { clientTypes } from './client-types.ts';
import { exportedDeclarations } from './declarations.ts';
import { describeRooms } from './rooms.ts';

/** Every file that is written from the code, by its path from the root, as it is to be now. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const contributing = await readFile(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const declarations = await exportedDeclarations(root);
  const missing = undocumented(declarations);
  if (missing.length > 0) throw new Error(missing.join('\n'));
  return new Map([
    ['CONTRIBUTING.md', between('rooms', contributing, describeRooms())],
    ['docs/reference/README.md', describeApi(declarations)],
    ['client/api-types.ts', await clientTypes(root)],
  ]);
}

/** The generated files that do not say what the code says, each as a line for a person. */
export async function staleFiles(root: string): Promise<readonly string[]> {
  try {
    return await staleAmong(root, await generatedFiles(root));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Those of these files that do not stand so under `root`. */
export async function staleAmong(
  root: string,
  wanted: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [file, text] of wanted)
    if ((await readFile(path.join(root, file), 'utf8').catch(() => '')) !== text)
      stale.push(`${file} is not what the code says any more: run "npm run generate".`);
  return stale;
}

/** A page with the text between the two comments of that name replaced. */
function between(name: string, page: string, text: string): string {
  const marked = new RegExp(`(<!-- ${name}:[^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marked.test(page)) throw new Error(`No <!-- ${name}: … --> and <!-- /${name} --> are in the page`);
  return page.replace(marked, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
}

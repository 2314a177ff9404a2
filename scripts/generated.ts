import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeApi, documentationErrors } from './api-reference.ts';
import { clientTypes } from './client-types.ts';
import { exportedDeclarations } from './declarations.ts';
import { describeRooms } from './rooms.ts';

/** Generates the current text of every generated file, by path relative to the root. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const contributing = await readFile(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const declarations = await exportedDeclarations(root);
  const errors = documentationErrors(declarations);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return new Map([
    ['CONTRIBUTING.md', replaceBetween('rooms', contributing, describeRooms())],
    ['docs/reference/README.md', describeApi(declarations)],
    ['client/api-types.ts', await clientTypes(root)],
  ]);
}

/** Returns an error for each generated file that is out of date. */
export async function staleFiles(root: string): Promise<readonly string[]> {
  try {
    return await staleAmong(root, await generatedFiles(root));
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Returns an error for each file under `root` that differs from the expected text. */
export async function staleAmong(
  root: string,
  expected: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [file, text] of expected)
    if ((await readFile(path.join(root, file), 'utf8').catch(() => '')) !== text)
      stale.push(`${file} is out of date: run "npm run generate".`);
  return stale;
}

/** Replaces the text between the two comments with this name. */
function replaceBetween(name: string, page: string, text: string): string {
  const marked = new RegExp(`(<!-- ${name}:[^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marked.test(page)) throw new Error(`The page lacks <!-- ${name}: … --> and <!-- /${name} -->`);
  return page.replace(marked, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`);
}

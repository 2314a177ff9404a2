import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const LICENSE = /^(licen[cs]e|notice)(\.(md|txt))?$/i;

/**
 * Collects the licences of the packages in a bundle. The licences require that copies of the code include them.
 * @param files - The bundle's source files, relative to `root`.
 */
export async function thirdPartyLicenses(root: string, files: readonly string[]): Promise<string> {
  const directories = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []),
  );
  const sections = [...directories].sort().map(async (directory) => {
    const { name, version, license } = JSON.parse(
      await readFile(path.join(root, directory, 'package.json'), 'utf8'),
    );
    const names = (await readdir(path.join(root, directory))).filter((file) => LICENSE.test(file));
    const texts = names.map((file) => readFile(path.join(root, directory, file), 'utf8'));
    return { title: `${name} ${version} (${license})`, text: (await Promise.all(texts)).join('\n').trim() };
  });
  // Most packages share one text.
  const byText = new Map<string, string[]>();
  for (const { title, text } of await Promise.all(sections))
    byText.set(text, [...(byText.get(text) ?? []), title]);
  return [...byText]
    .map(([text, titles]) => `${titles.join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './blocks.ts';

const PAGES = ['*.md', 'llms.txt', '{bench,docs,examples}/**/*.md'];
const SOURCES = ['{functions,infra,local}/**/*.ts'];

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** The anchors that GitHub gives a page: its headings in lower case, without punctuation, with `-` for spaces. */
const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set(
    page
      .replace(/^```[\s\S]*?^```$/gm, '')
      .split('\n')
      .flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? [])
      .map((heading) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      ),
  );

/** Whether a link, seen from a file, names a file that exists and, in a page, a heading. */
function leadsSomewhere(from: string, link: string): boolean {
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? from : path.join(path.dirname(from), target);
  if (!existsSync(path.join(ROOT, file))) return false;
  return anchor === undefined || anchorsOf(read(file)).has(anchor);
}

it('every link of a page leads to a file, and to a heading of it', () => {
  const links = globSync(PAGES, { cwd: ROOT }).flatMap((file) =>
    [...read(file).matchAll(/\]\(((?!https?:)[^)\s]+)\)/g)].map(([, link = '']) => ({ file, link })),
  );

  expect(links.length).toBeGreaterThan(100);
  expect(links.filter(({ file, link }) => !leadsSomewhere(file, link))).toEqual([]);
});

it('every page and heading that the code names exists', () => {
  const named = globSync(SOURCES, { cwd: ROOT }).flatMap((file) =>
    [...read(file).matchAll(/\bdocs\/[\w/-]+\.md(?:#[\w-]+)?/g)].map(([link]) => ({ file, link })),
  );

  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ link }) => !leadsSomewhere('README.md', link))).toEqual([]);
});

it('the pages of the package link only to what the package has', () => {
  const { files } = JSON.parse(read('package.json')) as { files: readonly string[] };
  const shipped = [...files, 'README.md', 'LICENSE', 'package.json'];
  const elsewhere = globSync('docs/**/*.md', { cwd: ROOT }).flatMap((file) =>
    [...read(file).matchAll(/\]\(((?!https?:)[^)\s#]+)[^)]*\)/g)]
      .map(([, link = '']) => path.join(path.dirname(file), link))
      .filter((target) => !shipped.includes(target.split(path.sep)[0] ?? ''))
      .map((target) => `${file}: ${target}`),
  );

  expect(elsewhere).toEqual([]);
});

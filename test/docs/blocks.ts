import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** A block of code of a page. */
export interface Block {
  /** As a person looks for it: `docs/api.md:201`. */
  readonly place: string;
  /** What the page says it is; empty for output and drawings. */
  readonly language: string;
  readonly code: string;
}

const PAGES = ['*.md', 'docs/**/*.md', 'examples/**/*.md'];

/** The blocks of every page, except of the history of changes and of the reference, which is generated. */
export const blocks: readonly Block[] = globSync(PAGES, { cwd: ROOT })
  .map((file) => file.split(path.sep).join('/'))
  .filter((file) => file !== 'CHANGELOG.md' && !file.startsWith('docs/reference/'))
  .sort()
  .flatMap((file) => {
    const page = readFileSync(path.join(ROOT, file), 'utf8');
    return [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
      ({ index, 1: language = '', 2: code = '' }) => ({
        place: `${file}:${page.slice(0, index).split('\n').length}`,
        language,
        code,
      }),
    );
  });

export const blocksIn = (...languages: readonly string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language));

/** The one shell block that has these words. */
export function shellBlock(words: string): string {
  const [block, ...more] = blocksIn('sh').filter(({ code }) => code.includes(words));
  if (block === undefined || more.length > 0)
    throw new Error(`Not in one shell block of the pages: ${words}`);
  return block.code;
}

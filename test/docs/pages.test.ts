import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { blocksIn, ROOT } from './blocks.ts';

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

it('the README begins with the lines of examples/first.ts', () => {
  const [shown] = blocksIn('ts').filter(({ place }) => place.startsWith('README.md'));

  expect(shown?.code).toBe(read('examples/first.ts').replace('../client/index.ts', 'wiro-serverless/client'));
});

it('the README has 120 lines at most', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(120);
});

it('shell commands set the variables that they use, on their own page or as docs/deploy.md says', () => {
  const pages = Map.groupBy(blocksIn('sh'), ({ place }) => place.split(':')[0] ?? '');
  const codeOf = (page: string) => (pages.get(page) ?? []).map(({ code }) => code).join('\n');
  const missing = [...pages.keys()].flatMap((page) => {
    const set = `${codeOf(page)}\n${codeOf('docs/deploy.md')}`;
    return [...codeOf(page).matchAll(/\$\{?([A-Z][A-Z_]*)\b/g)]
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('AWS_') && !new RegExp(`(?:^|\\s)${name}=`, 'm').test(set))
      .map((name) => `${page}: ${name}`);
  });

  expect(missing).toEqual([]);
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const read = (file: string) => readFileSync(path.resolve(import.meta.dirname, '../..', file), 'utf8');

const numbers = (version: string) => version.split('.').map(Number);

/** Whether `version` is at least `least`. */
function isAtLeast(version: string, least: string): boolean {
  const [ours, theirs] = [numbers(version), numbers(least)];
  const differs = [0, 1, 2].find((place) => (ours[place] ?? 0) !== (theirs[place] ?? 0));
  return differs === undefined || (ours[differs] ?? 0) > (theirs[differs] ?? 0);
}

/** As npm reads `engines`, as far as our packages write it: `18 || ^20.1.0 || >=22`. */
const allows = (range: string, version: string): boolean =>
  range.split('||').some((part) => {
    const [, sign = '', least = ''] = /^\s*(\^|>=)?\s*([\d.]*)\s*$/.exec(part.replace('*', '')) ?? [];
    if (least === '') return true;
    const isSameMajor = numbers(version)[0] === numbers(least)[0];
    return sign === '>=' ? isAtLeast(version, least) : isSameMajor && isAtLeast(version, least);
  });

it('installs without a warning on the oldest Node that the README names, and on the later ones', () => {
  const [, oldest = '', lines = ''] =
    /Node (\d+\.\d+) or newer \(of an LTS line: ([\d, ]+)\)/.exec(read('README.md')) ?? [];
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { engines?: { node?: string } }>;
  };
  const versions = [
    `${oldest}.0`,
    ...lines
      .split(', ')
      .slice(1)
      .map((major) => `${major}.0.0`),
  ];
  const warned = versions.flatMap((version) =>
    Object.entries(packages)
      .filter(([, { engines }]) => engines?.node !== undefined && !allows(engines.node, version))
      .map(([name, { engines }]) => `${name} wants ${engines?.node}, not ${version}`),
  );

  expect(versions).toEqual(['22.19.0', '24.0.0']);
  // One platform that the project is not installed on: optional, and skipped without a word.
  expect(warned.filter((line) => !line.startsWith('node_modules/@img/sharp-win32-ia32 '))).toEqual([]);
});

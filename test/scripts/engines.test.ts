import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const read = (file: string) => readFileSync(path.resolve(import.meta.dirname, '../..', file), 'utf8');

const numbers = (version: string) => version.split('.').map(Number);

/** Whether `version` is equal to or newer than `least`. */
function isAtLeast(version: string, least: string): boolean {
  const [ours, theirs] = [numbers(version), numbers(least)];
  const differs = [0, 1, 2].find((place) => (ours[place] ?? 0) !== (theirs[place] ?? 0));
  return differs === undefined || (ours[differs] ?? 0) > (theirs[differs] ?? 0);
}

/** Evaluates the forms of `engines` that our packages use, like npm: `18 || ^20.1.0 || >=22`. */
const allows = (range: string, version: string): boolean =>
  range.split('||').some((part) => {
    const [, sign = '', least = ''] = /^\s*(\^|>=)?\s*([\d.]*)\s*$/.exec(part.replace('*', '')) ?? [];
    if (least === '') return true;
    const isSameMajor = numbers(version)[0] === numbers(least)[0];
    return sign === '>=' ? isAtLeast(version, least) : isSameMajor && isAtLeast(version, least);
  });

const { packages } = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { engines?: { node?: string } }>;
};

/** The packages of which npm warns on this version of Node. */
const warnedOf = (version: string): readonly string[] =>
  Object.entries(packages)
    .filter(([, { engines }]) => engines?.node !== undefined && !allows(engines.node, version))
    .map(([name]) => name.replace('node_modules/', ''))
    // npm silently skips this optional package on all supported platforms.
    .filter((name) => name !== '@img/sharp-win32-ia32');

it('installs without a warning on every version of Node in the README', () => {
  const [, oldest = '', lines = ''] =
    /Node (\d+\.\d+) or newer \(of an LTS line: ([\d, ]+)\)/.exec(read('README.md')) ?? [];
  const [, ...newer] = lines.split(', ');
  const versions = [`${oldest}.0`, ...newer.map((major) => `${major}.0.0`)];

  expect(versions).toEqual(['22.19.0', '24.0.0']);
  expect(versions.map(warnedOf)).toEqual([[], []]);
});

it('installs on Node 20.19 with the two warnings in CONTRIBUTING', () => {
  expect(warnedOf('20.19.0')).toEqual(['undici', 'vitest']);
  expect(read('CONTRIBUTING.md')).toContain('on Node 20.19, with warnings about `undici` and `vitest`');
});

it('lets an app on the Node that `engines` names use the package', () => {
  const { engines, peerDependencies } = JSON.parse(read('package.json')) as {
    engines: { node: string };
    peerDependencies: Record<string, string>;
  };

  expect(engines.node).toBe('>=20');
  expect(warnedOf('20.0.0').filter((name) => name in peerDependencies)).toEqual([]);
  expect(read('infra/build/build-package.ts')).toContain("target: 'node20'");
});

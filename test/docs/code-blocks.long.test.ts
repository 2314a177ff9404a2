import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { blocks, blocksIn, ROOT } from './blocks.ts';

const run = promisify(execFile);
const ended = (command: string, args: readonly string[]) =>
  run(command, [...args], { cwd: ROOT }).then(
    () => '',
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}${stderr}`,
  );

/** What the apps around the examples have. */
const AROUND = `
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
declare const backend: iam.IRole;
declare const publish: lambda.IFunction;
`;
const AROUND_LINES = `
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { WiroGenerations } from 'wiro-serverless';
declare const wiro: WiroGenerations;
declare const add: lambda.IFunction;
`;

it('TypeScript compiles against the package', async () => {
  const examples = blocksIn('ts');
  await mkdir(path.join(ROOT, '.build'), { recursive: true });
  // Below the root, where the packages are found.
  const folder = await mkdtemp(path.join(ROOT, '.build/docs-'));
  try {
    const files = examples.map((_, place) => `example-${place}.ts`);
    for (const [place, { code }] of examples.entries())
      await writeFile(
        path.join(folder, `example-${place}.ts`),
        `${code}\n${/^import /m.test(code) ? AROUND : AROUND_LINES}`,
      );
    const paths = {
      'wiro-serverless': ['../../infra/index.ts'],
      'wiro-serverless/client': ['../../client/index.ts'],
    };
    const compilerOptions = { paths, noUnusedLocals: false };
    await writeFile(
      path.join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../infra/tsconfig.json', compilerOptions, include: [], files }),
    );

    expect(examples.length).toBeGreaterThan(1);
    expect(await ended(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder])).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('shell is whole: every quote and bracket is closed', async () => {
  for (const { place, code } of blocksIn('sh'))
    expect([place, await ended('bash', ['-n', '-c', code.replace(/<\w+>/g, 'name')])]).toEqual([place, '']);
});

it('shell calls scripts that exist', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  const called = blocks.flatMap(({ place, code }) =>
    [...code.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)].map(([, name = '']) => ({ place, name })),
  );

  expect(called.length).toBeGreaterThan(0);
  expect(called.filter(({ name }) => !(name in scripts))).toEqual([]);
});

it('JSON is JSON, but for comments and what is left out', () => {
  for (const { place, code } of blocksIn('json', 'jsonc')) {
    const plain = code.replace(/ \/\/ .*$|\s{2,}\/\/ .*$/gm, '').replaceAll('{ … }', '{}');
    expect(() => JSON.parse(plain), place).not.toThrow();
  }
});

it('every block says what it is, or is output', () => {
  const languages = new Set(blocks.map(({ language }) => language));

  expect([...languages].sort()).toEqual(['', 'csv', 'json', 'jsonc', 'python', 'sh', 'ts']);
});

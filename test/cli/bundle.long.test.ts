import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { bundleCli } from '../../infra/build/bundle-cli.ts';

/** The packages in a file, and in what it loads at once. */
function loadedWith({ outputs }: Metafile, file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { path: target, kind } of outputs[file]?.imports ?? [])
    if (kind === 'import-statement') loadedWith({ inputs: {}, outputs }, target, seen);
  return seen;
}

it('the bin loads nothing to tell its version, and a command only what it needs', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wiro-bundle-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));

  const { metafile } = await bundleCli(folder);

  const { outputs } = metafile;
  const fileOf = (source: string) =>
    Object.keys(outputs).find((file) => Object.keys(outputs[file]?.inputs ?? {}).includes(source)) ?? '';
  const sourcesWith = (source: string) =>
    [...loadedWith(metafile, fileOf(source))].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
  expect(sourcesWith('cli/main.ts')).toEqual(['cli/main.ts']);
  expect(outputs[fileOf('cli/main.ts')]?.bytes).toBeLessThan(2_000);
  // Commander, and what it takes to explain an end.
  expect(
    sourcesWith('cli/program.ts').filter((source) =>
      /client-cloudformation|csv-parse|aws4fetch/.test(source),
    ),
  ).toEqual([]);
  const list = sourcesWith('cli/commands/list.ts');
  expect(list.filter((source) => /node_modules\/(?!commander)/.test(source))).toEqual([]);
  const total = (source: string) =>
    [...loadedWith(metafile, fileOf(source))].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
  expect(total('cli/program.ts')).toBeLessThan(120_000);
});

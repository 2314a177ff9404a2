import { spawn } from 'node:child_process';
import path from 'node:path';
import { importErrors } from './check-imports.ts';
import { staleFiles } from './generated.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

interface Check {
  readonly name: string;
  /** Resolves with the problems, or with an empty text. */
  readonly run: () => Promise<string>;
}

const CHECKS: readonly Check[] = [
  command('tsc', '-p', '.'),
  command('tsc', '-p', 'infra'),
  command('tsc', '-p', 'console/page'),
  command('biome', 'check', '.'),
  { name: 'imports follow scripts/rooms.ts', run: async () => (await importErrors(ROOT)).join('\n') },
  { name: 'generated files are current', run: async () => (await staleFiles(ROOT)).join('\n') },
];

/** Runs an installed tool. Its output is only shown if it fails. */
function command(tool: string, ...args: string[]): Check {
  return {
    name: [tool, ...args].join(' '),
    run: () =>
      new Promise((resolve) => {
        const child = spawn(path.join(ROOT, 'node_modules', '.bin', tool), args, {
          cwd: ROOT,
          stdio: ['ignore', 'pipe', 'pipe'],
          shell: process.platform === 'win32',
        });
        let output = '';
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => {
            output += text;
          });
        child.on('error', ({ message }) => resolve(`Cannot run ${tool}: ${message}`));
        child.on('close', (code) =>
          resolve(code === 0 ? '' : output.trim() || `${tool} exited with ${code}`),
        );
      }),
  };
}

const results = await Promise.all(CHECKS.map(async ({ name, run }) => ({ name, problems: await run() })));
const failures = results.filter(({ problems }) => problems !== '');
for (const { name, problems } of failures) console.error(`✗ ${name}\n${problems}\n`);
if (failures.length === 0) console.log(`✓ ${results.map(({ name }) => name).join(', ')}`);
process.exitCode = failures.length === 0 ? 0 : 1;

import { execFileSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { createCli } from '../../cli/cli.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { completionScript } from '../../cli/completion.ts';
import { createProgram } from '../../cli/program.ts';

const program = createProgram('1.0.0');
beforeAll(async () => {
  const cli = createCli({
    options: () => ({}),
    version: '1.0.0',
    signal: new AbortController().signal,
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
  });
  for (const { name, load, summary } of COMMANDS)
    (await load()).configure(program.command(name).description(summary), cli);
});

/** What bash offers for the last word of a line. */
function offered(line: string): readonly string[] {
  const words = line.split(' ');
  const script = `${completionScript('bash', program)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_wiro_serverless; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
}

it('bash completes commands, their options and the values that are known', () => {
  expect(offered('wiro-serverless re')).toEqual(['retry']);
  expect(offered('wiro-serverless cancel --sta')).toEqual(['--status', '--stack']);
  expect(offered('wiro-serverless --json list --status fa')).toEqual(['failed']);
  expect(offered('wiro-serverless completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
});

it('zsh and fish know every command and its options', () => {
  const zsh = completionScript('zsh', program);
  const fish = completionScript('fish', program);

  for (const { name } of COMMANDS) {
    expect(zsh).toMatch(new RegExp(`^    ${name}\\) _arguments `, 'm'));
    expect(fish).toContain(`-f -a ${name} -d '`);
  }
  // From a folder of fpath, the file's first call must complete too.
  expect(zsh).toMatch(
    /funcstack\[1\] == _wiro-serverless \]\]; then\n {2}_wiro_serverless "\$@"\nelse\n {2}compdef /,
  );
  expect(zsh).toContain("'*--status[only these]:value:(queued submitting");
  expect(fish).toContain('-l status -x -a ');
});

import { expect, it } from 'vitest';
import { createCli } from '../../cli/cli.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { commandIn, createProgram } from '../../cli/program.ts';

it.each([
  [['list', '--status', 'failed'], 'list'],
  [['--stack', 'list', 'show', 'g1'], 'show'],
  [['--stack=Shop', '--json', 'show'], 'show'],
  [['help', 'run'], 'run'],
  [['--help'], undefined],
  [[], undefined],
])('finds the command in %j', (args, name) => expect(commandIn(args)).toBe(name));

it('every command has a file that says what it is for', async () => {
  for (const { name, load, summary } of COMMANDS) {
    const program = createProgram('1.0.0');
    const cli = createCli({
      options: () => ({}),
      version: '1.0.0',
      signal: new AbortController().signal,
      stdout: process.stdout,
      stderr: process.stderr,
      stdin: process.stdin,
    });
    const command = program.command(name).description(summary);

    (await load()).configure(command, cli);

    expect(command.helpInformation()).toContain(`Usage: wiro-serverless ${name}`);
  }
});

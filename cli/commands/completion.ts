import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { completionScript, SHELLS, type Shell } from '../completion.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .description('Prints a script that completes commands and options in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
bash: wiro-serverless completion bash > ~/.local/share/bash-completion/completions/wiro-serverless
zsh:  wiro-serverless completion zsh > "\${fpath[1]}/_wiro-serverless"
fish: wiro-serverless completion fish > ~/.config/fish/completions/wiro-serverless.fish`,
    )
    .action((shell: Shell) => {
      // For this command, every other is loaded too.
      if (command.parent) cli.print(completionScript(shell, command.parent).trimEnd());
    });
}

import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** Adds arguments, options and the action to a command. */
export type Configure = (command: Command, cli: Cli) => void;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Loads the command's file, only if it is called. The file exports `configure`. */
  readonly load: () => Promise<{ readonly configure: Configure }>;
}

/** All commands, in the order of the help. A new one is a file in `commands/` and an entry here. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'setup',
    summary: "store a stack's Wiro key, or rotate its callback secret",
    load: () => import('./commands/setup.ts'),
  },
];

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
    name: 'run',
    summary: 'run a model, wait and download its outputs',
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'submit',
    summary: 'submit many requests from a JSON, JSONL or CSV file; resumes where it stopped',
    load: () => import('./commands/submit.ts'),
  },
  {
    name: 'list',
    summary: 'list generations, newest first',
    load: () => import('./commands/list.ts'),
  },
  {
    name: 'show',
    summary: 'show a generation, why it waits and what happened when',
    load: () => import('./commands/show.ts'),
  },
  {
    name: 'cancel',
    summary: 'cancel generations',
    load: () => import('./commands/cancel.ts'),
  },
  {
    name: 'retry',
    summary: 'start the next attempt of failed or cancelled generations',
    load: () => import('./commands/retry.ts'),
  },
  {
    name: 'download',
    summary: 'download outputs and check them',
    load: () => import('./commands/download.ts'),
  },
  {
    name: 'models',
    summary: 'search models, or show one with its parameters',
    load: () => import('./commands/models.ts'),
  },
  {
    name: 'price',
    summary: 'check a request and tell its price',
    load: () => import('./commands/price.ts'),
  },
  {
    name: 'usage',
    summary: 'what ended and what it cost, by day and model',
    load: () => import('./commands/usage.ts'),
  },
  {
    name: 'console',
    summary: 'serve a page on this machine to run models and look at what ran',
    load: () => import('./commands/console.ts'),
  },
  {
    name: 'mcp',
    summary: 'let an agent run models: serves the Model Context Protocol',
    load: () => import('./commands/mcp.ts'),
  },
  {
    name: 'doctor',
    summary: 'find what is wrong with a deployment, and how to mend it',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'setup',
    summary: "store a stack's Wiro key, or rotate its callback secret",
    load: () => import('./commands/setup.ts'),
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
];

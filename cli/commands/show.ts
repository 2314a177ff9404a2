import type { Command } from 'commander';
import { type Client, type Timeline, WiroServerlessError } from '../../client/index.ts';
import type { Cli } from '../cli.ts';
import { describeGeneration, describeTimeline } from '../describe.ts';
import { followGeneration } from '../follow.ts';
import { requireSuccess } from './run.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .description('Shows a generation: its record, why it waits, and what happened when.')
    .argument('<id>', "the generation's id")
    .option('-w, --watch', 'follow it to its end; the exit code is 1 if it does not succeed')
    .action(async (id: string, { watch = false }: { readonly watch?: boolean }) => {
      const client = await cli.client();
      if (watch) cli.onInterrupt(`The generation goes on: "${cli.commandLine('show', id, '--watch')}".`);
      const generation = watch
        ? await followGeneration(client, id, cli)
        : await client.get(id, { signal: cli.signal });
      const timeline = await readTimeline(client, id, cli.signal);
      if (cli.isJson) cli.printJson({ ...generation, ...(timeline && { timeline: timeline.entries }) });
      else
        cli.print(`${describeGeneration(generation)}${timeline ? `\n\n${describeTimeline(timeline)}` : ''}`);
      if (watch) requireSuccess(generation, cli);
    });
}

/** A deployment of an earlier release has none. */
async function readTimeline(client: Client, id: string, signal: AbortSignal): Promise<Timeline | undefined> {
  try {
    return await client.timeline(id, { signal });
  } catch (error) {
    if (error instanceof WiroServerlessError && error.status === 404) return undefined;
    throw error;
  }
}

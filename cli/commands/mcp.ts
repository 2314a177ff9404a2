import { once } from 'node:events';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Command } from 'commander';
import { createBudget } from '../../mcp/budget.ts';
import { createMcpServer } from '../../mcp/server.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';

interface Options {
  readonly budget?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Lets an agent run models: serves the Model Context Protocol on standard input and output. Ends with its input.',
    )
    .option(
      '--budget <usd>',
      'what the prices of all submissions together may come to; an estimate counts in full, an unknown price is refused',
    )
    .action(async ({ budget }: Options) => {
      const usd = budget === undefined ? undefined : Number(budget);
      if (usd !== undefined && !(Number.isFinite(usd) && usd > 0))
        throw usageError(`--budget must be an amount in USD above 0, such as 2.50, not "${budget}".`);
      const server = createMcpServer({
        client: await cli.client(),
        version: cli.version,
        ...(usd !== undefined && { budget: createBudget(usd) }),
      });
      const ended = Promise.race([
        once(process.stdin, 'end'),
        once(process.stdin, 'close'),
        cli.signal.aborted || once(cli.signal, 'abort'),
      ]);
      await server.connect(new StdioServerTransport());
      await ended;
      await server.close();
    });
}

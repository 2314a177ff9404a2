import path from 'node:path';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError, describeError } from '../errors.ts';
import { requireOutputFolder } from '../output-folder.ts';
import { download } from './run.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Downloads the outputs of generations and checks their SHA-256. Keeps what is there already, and never replaces a file.',
    )
    .argument('<id...>', "the generations' ids")
    .option('-o, --output <directory>', 'where to put a folder of each generation', 'outputs')
    .action(async (ids: readonly string[], { output }: { readonly output: string }) => {
      await requireOutputFolder(output);
      const client = await cli.client();
      cli.onInterrupt('What is there already is not downloaded again: repeat the command.');
      let failures = 0;
      for (const id of new Set(ids)) {
        try {
          const generation = await client.get(id, { signal: cli.signal });
          if (generation.outputs.length === 0)
            throw new CliError(`Generation ${id} is ${generation.status} and has no outputs.`);
          for (const file of await download(cli, generation, output)) {
            const relative = path.relative('', file.path);
            if (cli.isJson) {
              const { name, contentType, sizeBytes, sha256 } = file.output;
              cli.printJson({ id, path: relative, name, contentType, sizeBytes, sha256 }, { isLine: true });
            } else cli.print(relative);
          }
        } catch (error) {
          cli.signal.throwIfAborted();
          if (ids.length === 1) throw error;
          failures += 1;
          cli.note(`${id}: ${describeError(error)}`);
        }
      }
      if (failures > 0)
        throw new CliError(`${failures} of ${ids.length} generations could not be downloaded.`);
    });
}

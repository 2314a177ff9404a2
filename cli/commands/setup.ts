import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';

interface Options {
  readonly path?: string;
  readonly keyOnly?: boolean;
  readonly rotate?: boolean;
  readonly force?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Stores the secrets of a stack, encrypted, in AWS Systems Manager Parameter Store. Run it before the first ' +
        'deployment. It reads the Wiro API key and secret from WIRO_API_KEY and WIRO_API_SECRET or asks for them, and ' +
        'generates the secret that signs callbacks. It only replaces values that you give.',
    )
    .option('--path <path>', 'the path of the parameters, if the app sets one')
    .option('--key-only', 'the Wiro project has an API key and no secret')
    .option('--rotate', 'only replaces the secret that signs callbacks; the previous one stays valid for now')
    .option('--force', 'rotates even if tasks may still call back with the previous secret')
    .action(async ({ path, keyOnly = false, rotate = false, force = false }: Options) => {
      const { runSetup } = await import('../../infra/setup/run-setup.ts');
      const { stack, region, profile } = cli.options;
      await runSetup({
        stack,
        region,
        profile,
        path,
        isKeyOnly: keyOnly,
        isRotation: rotate,
        isForced: force,
      }).catch((error: Error) => {
        throw new CliError(error.message, undefined, { cause: error });
      });
    });
}

import { once } from 'node:events';
import type { Command } from 'commander';
import { readPage } from '../../console/read-page.ts';
import type { Deployment as Served } from '../../console/server/deployment.ts';
import { localDeployment } from '../../console/server/local-deployment.ts';
import { startConsole } from '../../console/server/server.ts';
import type { Cli } from '../cli.ts';
import type { Deployment } from '../deployment.ts';
import { usageError } from '../errors.ts';

interface Options {
  readonly port: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .description(
      'Serves a page on this machine to run models and look at what ran. It signs with your AWS credentials, so keep ' +
        'the printed link to yourself. Ends with Ctrl-C.',
    )
    .option('--port <number>', 'the port on 127.0.0.1', '0')
    .action(async ({ port }: Options) => {
      if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
        throw usageError(`--port must be a number up to 65535, not "${port}".`);
      const [deployment, html] = await Promise.all([cli.deployment(), readPage()]);
      const { link, stop } = await startConsole({
        deployment: servedOf(deployment),
        html,
        port: Number(port),
      }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE' || error.code === 'EACCES')
          throw usageError(`Port ${port} is not free: choose another with --port, or leave it out.`);
        throw error;
      });
      if (cli.isJson) cli.printJson({ link }, { isLine: true });
      else cli.print(`Console of ${deployment.title}: ${link}\nPress Ctrl-C to stop.`);
      // It ends with Ctrl-C, which therefore is no failure.
      if (!cli.signal.aborted) await once(cli.signal, 'abort');
      await stop();
    });
}

/** What the console must know of a deployment. */
export function servedOf(deployment: Deployment): Served {
  const { url, region } = deployment;
  if (deployment.kind === 'local') return localDeployment({ ...deployment.endpoints, region });
  const { stack, outputs, credentials } = deployment;
  const inputBucket = outputs.InputBucketName ?? onlyInputBucket(outputs);
  return {
    name: stack,
    apiUrl: url,
    region,
    ...(inputBucket !== undefined && { inputBucket }),
    ...(outputs.EventBusName !== undefined && { eventBus: outputs.EventBusName }),
    credentials,
    s3: { credentials },
  };
}

/** Stacks of one's own may name the output otherwise. */
function onlyInputBucket(outputs: Readonly<Record<string, string>>): string | undefined {
  const [found, ...more] = Object.entries(outputs).filter(([name]) => /InputBucketName$/i.test(name));
  return more.length === 0 ? found?.[1] : undefined;
}

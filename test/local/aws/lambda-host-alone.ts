import { startLambdaHost } from '../../../local/aws/lambda-host.ts';
import type { HostedFunction } from '../../../local/aws/lambda-types.ts';

// Runs a host with an idle and a busy environment in its own process. Tests kill it and look for remaining processes.
const fn = JSON.parse(process.argv[2] ?? '') as HostedFunction;
const host = await startLambdaHost({
  region: 'us-east-1',
  onLog: ({ message }) => console.log(message.replace('pid ', '')),
});
host.deploy(fn);
host.deploy({ ...fn, name: 'idle' });
await host.invoke('idle', '{}');
await host.invoke(fn.name, '{"hang":true}');

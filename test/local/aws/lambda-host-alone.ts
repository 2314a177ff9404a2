import { startLambdaHost } from '../../../local/aws/lambda-host.ts';
import type { HostedFunction } from '../../../local/aws/lambda-types.ts';

// A host in a process of its own, with one idle environment and one that works: tests kill it and look what is left.
const fn = JSON.parse(process.argv[2] ?? '') as HostedFunction;
const host = await startLambdaHost({
  region: 'us-east-1',
  onLog: ({ message }) => console.log(message.replace('pid ', '')),
});
host.deploy(fn);
host.deploy({ ...fn, name: 'idle' });
await host.invoke('idle', '{}');
await host.invoke(fn.name, '{"hang":true}');

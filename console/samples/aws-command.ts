import { type Endpoint, regionOf } from './form.ts';
import { shellWord } from './quote.ts';

/** The keys of every local environment: no secret. */
const LOCAL_KEYS = 'AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local-secret';

/** A command of the AWS CLI, with what it needs to find the service. */
export function awsCommand(command: string, endpoint: Endpoint, serviceUrl: string | undefined): string {
  const address = serviceUrl === undefined ? '' : ` --endpoint-url ${shellWord(serviceUrl)}`;
  return [
    ...(endpoint.kind === 'local' ? [LOCAL_KEYS] : []),
    `aws ${command}`,
    `--region ${shellWord(regionOf(endpoint))}${address}`,
  ].join(' \\\n  ');
}

import type { ClientOptions } from '../client/index.ts';
import type { Deployment, DeploymentOptions } from './deployment-kinds.ts';
import { usageError } from './errors.ts';

export type { Deployment, DeploymentOptions, LocalDeployment, StackDeployment } from './deployment-kinds.ts';

/**
 * Finds the deployment that the options name: the one that `npm start` runs, or a deployed stack.
 * @throws {CliError} In a sentence that says what to do.
 */
export async function findDeployment(options: DeploymentOptions, signal?: AbortSignal): Promise<Deployment> {
  const { stack, data } = options;
  if (stack === undefined) {
    for (const [flag, value] of Object.entries({
      '--region': options.region,
      '--profile': options.profile,
      '--api-output': options.apiOutput,
    }))
      if (value !== undefined) throw usageError(`${flag} is for a deployed stack: add --stack NAME.`);
    const { findLocalDeployment } = await import('./local-deployment.ts');
    return findLocalDeployment({ data });
  }
  if (data !== undefined)
    throw usageError('--data names a local environment and --stack a deployed one: leave one of them out.');
  const { findStackDeployment } = await import('./stack-deployment.ts');
  return findStackDeployment({ ...options, stack }, signal);
}

/** The options with which a client talks to a deployment. */
export const clientOptions = (deployment: Deployment): ClientOptions => ({
  url: deployment.url,
  ...(deployment.kind === 'stack' && { region: deployment.region, credentials: deployment.credentials }),
});

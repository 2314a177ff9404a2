import type { AnnounceDeps } from '../events/announce.ts';
import type { Deployment } from './deployment.ts';

/** Creates this deployment's `announce`, which takes the id of a generation. It is loaded with the first. */
export function createLazyAnnouncer(
  deployment: Pick<Deployment, 'table' | 'durations' | 'clock'>,
  stores: Pick<AnnounceDeps, 'generations' | 'notes' | 'results'>,
): (id: string) => Promise<void> {
  let announce: ((id: string) => Promise<void>) | undefined;
  return async (id) => {
    const { createDeploymentAnnouncer } = await import('./announcer.ts');
    announce ??= createDeploymentAnnouncer(deployment, stores);
    await announce(id);
  };
}

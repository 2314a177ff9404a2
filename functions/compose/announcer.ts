import { type AnnounceDeps, announce } from '../events/announce.ts';
import { createPutEvents } from '../events/put-events.ts';
import { PREFIX } from '../objects/prefix.ts';
import { ENV, requireEnv } from '../settings.ts';
import type { Deployment } from './deployment.ts';

/** @returns `announce` for this deployment's generations, by id: on its bus, and in the files beside its objects. */
export function createDeploymentAnnouncer(
  { durations, clock }: Pick<Deployment, 'durations' | 'clock'>,
  stores: Pick<AnnounceDeps, 'generations' | 'notes' | 'results'>,
  env: NodeJS.ProcessEnv = process.env,
): (id: string) => Promise<void> {
  const deps: AnnounceDeps = {
    ...stores,
    putEvents: createPutEvents(requireEnv(ENV.eventBus, env)),
    inputBucket: requireEnv(ENV.inputBucket, env),
    outputBucket: requireEnv(ENV.outputBucket, env),
    resultsPrefix: PREFIX.results,
    durations,
    clock,
  };
  return (id) => announce(deps, id);
}

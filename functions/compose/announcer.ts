import { type AnnounceDeps, announce } from '../events/announce.ts';
import { createPutEvents } from '../events/put-events.ts';
import { PREFIX } from '../objects/prefix.ts';
import { ENV, readUsageLabels, requireEnv } from '../settings.ts';
import { createUsageCounter } from '../store/usage-counter.ts';
import type { Deployment } from './deployment.ts';

/** Creates this deployment's `announce`, which takes the id of a generation. */
export function createDeploymentAnnouncer(
  { table, durations, clock }: Pick<Deployment, 'table' | 'durations' | 'clock'>,
  stores: Pick<AnnounceDeps, 'generations' | 'notes' | 'results'>,
  env: NodeJS.ProcessEnv = process.env,
): (id: string) => Promise<void> {
  const deps: AnnounceDeps = {
    ...stores,
    putEvents: createPutEvents(requireEnv(ENV.eventBus, env)),
    usage: createUsageCounter(table, { labelNames: readUsageLabels(env), clock }),
    inputBucket: requireEnv(ENV.inputBucket, env),
    outputBucket: requireEnv(ENV.outputBucket, env),
    resultsPrefix: PREFIX.results,
    durations,
    clock,
  };
  return (id) => announce(deps, id);
}

import { createKnownModels } from '../intake/known-models.ts';
import { readFurtherModelKinds } from '../settings.ts';
import { createModelCache } from '../store/model-cache.ts';
import type { WiroClient } from '../wiro/types.ts';
import type { Deployment } from './deployment.ts';

/** Creates this deployment's lookup of models: first in its table, then at Wiro. */
export const createDeploymentModels = (
  { table, durations }: Pick<Deployment, 'table' | 'durations'>,
  wiro: Pick<WiroClient, 'model'>,
  env: NodeJS.ProcessEnv = process.env,
): ReturnType<typeof createKnownModels> =>
  createKnownModels({
    cache: createModelCache(table, { keepMs: durations.modelCache }),
    wiro,
    limitMs: durations.modelLimit,
    furtherKinds: readFurtherModelKinds(env),
  });

import type { ExamineDeps } from '../intake/examine-request.ts';
import { createKnownModels, type FindModel } from '../intake/known-models.ts';
import { createModelSuggestions } from '../intake/suggest-model.ts';
import { readAllowedModels, readFurtherModelKinds, readUnknownParameters } from '../settings.ts';
import { createModelCache } from '../store/model-cache.ts';
import type { WiroClient } from '../wiro/types.ts';
import type { Deployment } from './deployment.ts';

/** Creates this deployment's lookup of models: first in its table, then at Wiro. */
export const createDeploymentModels = (
  { table, durations }: Pick<Deployment, 'table' | 'durations'>,
  wiro: Pick<WiroClient, 'model' | 'models'>,
  env: NodeJS.ProcessEnv = process.env,
): FindModel =>
  createKnownModels({
    cache: createModelCache(table, { keepMs: durations.modelCache, clockSkewMs: durations.clockSkew }),
    wiro,
    limitMs: durations.modelLimit,
    renewMs: durations.modelRenewal,
    furtherKinds: readFurtherModelKinds(env),
    suggest: createModelSuggestions({ wiro, limitMs: durations.modelLimit }),
  });

/** Which models and parameters this deployment accepts. */
export const readModelRules = (
  env: NodeJS.ProcessEnv = process.env,
): Required<Pick<ExamineDeps, 'allowedModels' | 'unknownParameters'>> => ({
  allowedModels: readAllowedModels(env),
  unknownParameters: readUnknownParameters(env),
});

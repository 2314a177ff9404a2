import type { FindModel } from '../../functions/intake/known-models.ts';
import type { FoundModel } from '../../functions/store/model-cache.ts';
import { parseModel } from '../../functions/wiro/answers/parse-model.ts';
import { describeModel, findModel } from '../../local/simulator/models.ts';

/** A model of the simulated Wiro, as it is read from Wiro's answer. */
export function modelOf(name: string): FoundModel | undefined {
  const [owner = '', project = ''] = name.split('/');
  const simulated = findModel(owner, project);
  const model = simulated && parseModel(describeModel(simulated));
  return (
    model && {
      kind: 'model',
      modelKind: model.kind,
      schema: { parameters: model.parameters },
      ...(model.prices && { prices: model.prices }),
      ...(model.approximateCostUsd !== undefined && { approximateCostUsd: model.approximateCostUsd }),
    }
  );
}

/** Knows every model of the simulated Wiro, and no other. */
export const catalogue: FindModel = async (name) => modelOf(name) ?? { kind: 'unknownModel' };

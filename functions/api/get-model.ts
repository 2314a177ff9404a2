import { RequestError } from '../generation/errors.ts';
import { explainNotAllowed, explainUnknown } from '../intake/explain-model.ts';
import { exampleRequest, type RequestExample } from '../request/example-request.ts';
import { isAllowedModel, isModelName } from '../request/model-name.ts';
import type { Durations } from '../settings.ts';
import type { ModelKind, ModelParameter, WiroClient } from '../wiro/types.ts';
import { askWiro } from './ask-wiro.ts';

export interface GetModelDeps {
  readonly wiro: Pick<WiroClient, 'model'>;
  /** Patterns of the models that the deployment runs. @default - it runs every model */
  readonly allowedModels?: readonly string[] | undefined;
  readonly durations: Pick<Durations, 'headers'>;
}

/** A model as Wiro describes it. */
export interface ModelRecord {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly kind: ModelKind;
  /** Empty if Wiro lists none. */
  readonly parameters: readonly ModelParameter[];
  /** Wiro's price list: `[{inputs, price, priceMethod, priceExtra?, priceInput?}]`. */
  readonly prices: readonly unknown[];
  /** What the average run costs, in USD. */
  readonly approximateCostUsd?: number;
  /** A request to start from: the model's defaults, and placeholders for what it requires. */
  readonly request: RequestExample;
}

/**
 * Reads a model from Wiro.
 * @param name - `owner/project`, as in the path.
 */
export async function getModel(
  { wiro, allowedModels, durations }: GetModelDeps,
  name: string,
): Promise<ModelRecord> {
  if (!isModelName(name)) throw RequestError.of(explainUnknown(name.slice(0, 100), undefined));
  if (allowedModels !== undefined && !isAllowedModel(name, allowedModels))
    throw RequestError.of(explainNotAllowed(name, allowedModels));
  const model = await askWiro('about this model', () => wiro.model(name, durations.headers));
  if (model === undefined) throw RequestError.of(explainUnknown(name, undefined));
  const { title, description, kind, parameters, prices = [], approximateCostUsd } = model;
  return {
    name: model.name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    kind,
    parameters,
    prices,
    ...(approximateCostUsd !== undefined && { approximateCostUsd }),
    request: exampleRequest(model.name, model),
  };
}

import { logIgnored } from '../runtime/log-ignored.ts';
import type { FurtherModelKind } from '../settings.ts';
import type { FoundModel, ModelCache } from '../store/model-cache.ts';
import type { WiroClient } from '../wiro/types.ts';

/** A model as it is known before a run: its schema, or that Wiro has no such model, or that this deployment runs none. */
export type KnownModel =
  | FoundModel
  | { readonly kind: 'unknownModel' }
  | { readonly kind: 'unsupportedModel'; readonly modelKind: FurtherModelKind };

/**
 * Finds models in the cache, or else asks Wiro.
 * @returns A function that returns `undefined`, and logs why, if Wiro does not answer in time. Then Wiro decides when the
 *   generation runs.
 */
export function createKnownModels({
  cache,
  wiro,
  limitMs,
  furtherKinds,
}: {
  readonly cache: ModelCache;
  readonly wiro: Pick<WiroClient, 'model'>;
  readonly limitMs: number;
  /** Kinds besides plain models that this deployment runs. */
  readonly furtherKinds: readonly FurtherModelKind[];
}): (model: string) => Promise<KnownModel | undefined> {
  async function ask(model: string): Promise<FoundModel | { readonly kind: 'unknownModel' }> {
    const found = await wiro.model(model, limitMs);
    return found === undefined
      ? { kind: 'unknownModel' }
      : { kind: 'model', schema: { parameters: found.parameters }, modelKind: found.kind };
  }

  async function find(model: string) {
    const kept = await cache.get(model).catch(logIgnored('Wiro can be asked instead'));
    if (kept !== undefined) return kept;
    const asked = await ask(model).catch(logIgnored('Wiro decides when it is run', { model }));
    // A missing model is not cached: it may be created the next minute.
    if (asked?.kind === 'model')
      await cache.put(model, asked).catch(logIgnored('it is asked for again next time'));
    return asked ?? undefined;
  }

  return async (model) => {
    const found = await find(model);
    if (found?.kind !== 'model' || found.modelKind === 'plain') return found;
    const { modelKind } = found;
    return furtherKinds.includes(modelKind) ? found : { kind: 'unsupportedModel', modelKind };
  };
}

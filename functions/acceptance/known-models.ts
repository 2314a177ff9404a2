import { ignore } from '../ignore.ts';
import type { KnownModel, ModelCache } from '../store/model-cache.ts';
import type { WiroClient } from '../wiro/types.ts';

/**
 * Knows models' schemas: from the cache, else from Wiro.
 * @returns A function that answers `undefined` when the schema cannot be had within the time: then Wiro decides.
 */
export function createKnownModels({
  cache,
  wiro,
  limitMs,
}: {
  readonly cache: ModelCache;
  readonly wiro: Pick<WiroClient, 'model'>;
  readonly limitMs: number;
}): (model: string) => Promise<KnownModel | undefined> {
  async function ask(model: string): Promise<KnownModel> {
    const found = await wiro.model(model, limitMs);
    return found === undefined
      ? { kind: 'unknownModel' }
      : { kind: 'model', schema: { parameters: found.parameters } };
  }

  return async (model) => {
    const kept = await cache.get(model).catch(ignore('Wiro can be asked instead'));
    if (kept !== undefined) return kept;
    const asked = await ask(model).catch(ignore('Wiro decides when it is run', { model }));
    // That a model does not exist is not kept: it may be made the next minute.
    if (asked?.kind === 'model')
      await cache.put(model, asked).catch(ignore('it is asked for again next time'));
    return asked ?? undefined;
  };
}

import type { Timestamp } from '../generation/time.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { FurtherModelKind } from '../settings.ts';
import type { FoundModel, ModelCache } from '../store/model-cache.ts';
import type { WiroClient } from '../wiro/types.ts';

/** A model as it is known before a run: its schema, or that Wiro has no such model, or that this deployment runs none. */
export type KnownModel =
  /** `isCached`: Wiro may have changed it since. */
  | (FoundModel & { readonly isCached?: true })
  /** `suggestion`: the model that was probably meant. */
  | { readonly kind: 'unknownModel'; readonly suggestion?: string }
  | { readonly kind: 'unsupportedModel'; readonly modelKind: FurtherModelKind };

export interface FindModelOptions {
  /** Asks Wiro instead of the cache. */
  readonly isAnew?: boolean;
  /** Does not cache the answer. */
  readonly isReadOnly?: boolean;
  /** When the request that is to run was accepted. A model that this function remembers from before does not count. */
  readonly acceptedAt?: Timestamp;
}

/**
 * Looks a model up: in the cache, else at Wiro.
 * @returns `undefined` if neither can tell within the time. The log says so, and Wiro decides when the model is run.
 */
export type FindModel = (model: string, options?: FindModelOptions) => Promise<KnownModel | undefined>;

type AskedModel = FoundModel | Extract<KnownModel, { kind: 'unknownModel' }>;

const MOST_REMEMBERED = 200;

export function createKnownModels({
  cache,
  wiro,
  limitMs,
  renewMs = 0,
  furtherKinds,
  suggest = async () => undefined,
  monotonic = () => performance.now(),
}: {
  readonly cache: ModelCache;
  readonly wiro: Pick<WiroClient, 'model'>;
  readonly limitMs: number;
  /** An answer of Wiro serves everyone who asks within this time: a request file may name one model a thousand times. */
  readonly renewMs?: number;
  /** Kinds besides plain models that this deployment runs. */
  readonly furtherKinds: readonly FurtherModelKind[];
  /** Finds the model that was probably meant by a name. */
  readonly suggest?: (name: string) => Promise<string | undefined>;
  readonly monotonic?: () => number;
}): FindModel {
  const answers = new Map<
    string,
    { readonly at: number; readonly answer: Promise<AskedModel | undefined> }
  >();

  async function ask(model: string, isReadOnly: boolean): Promise<AskedModel | undefined> {
    const found = await wiro.model(model, limitMs);
    if (found === undefined) {
      const suggestion = await suggest(model);
      return { kind: 'unknownModel', ...(suggestion !== undefined && { suggestion }) };
    }
    const asked: FoundModel = {
      kind: 'model',
      schema: { parameters: found.parameters },
      modelKind: found.kind,
      ...(found.prices && { prices: found.prices }),
      ...(found.approximateCostUsd !== undefined && { approximateCostUsd: found.approximateCostUsd }),
    };
    // A missing model is not cached: it may exist a minute later.
    if (!isReadOnly) await cache.put(model, asked).catch(logIgnored('it is asked for again next time'));
    return asked;
  }

  function askOnce(model: string, isReadOnly: boolean): Promise<AskedModel | undefined> {
    const latest = answers.get(model);
    if (latest !== undefined && monotonic() - latest.at < renewMs) return latest.answer;
    const answer = ask(model, isReadOnly).catch((error: unknown) => {
      logIgnored('Wiro decides when it is run', { model })(error);
      answers.delete(model);
      return undefined;
    });
    // The oldest is the first.
    const [oldest] = answers.keys();
    if (answers.size >= MOST_REMEMBERED && oldest !== undefined) answers.delete(oldest);
    answers.delete(model);
    answers.set(model, { at: monotonic(), answer });
    return answer;
  }

  async function find(
    model: string,
    { isAnew = false, isReadOnly = false, acceptedAt }: FindModelOptions,
  ): Promise<KnownModel | undefined> {
    const cached = isAnew
      ? undefined
      : await cache.get(model, acceptedAt).catch(logIgnored('Wiro can be asked instead'));
    return cached ? { ...cached, isCached: true } : askOnce(model, isReadOnly);
  }

  return async (model, options = {}) => {
    const found = await find(model, options);
    if (found?.kind !== 'model' || found.modelKind === 'plain') return found;
    const { modelKind } = found;
    return furtherKinds.includes(modelKind) ? found : { kind: 'unsupportedModel', modelKind };
  };
}

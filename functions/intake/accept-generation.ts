import { randomUUID } from 'node:crypto';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import type { Generation, RequestOrigin } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { accept, failAtOnce } from '../generation/transitions/accept.ts';
import type { AcceptedRequest, ResultsPlace } from '../request/accepted-request.ts';
import { generationId, requestHash } from '../request/identity.ts';
import type { GenerationRequest } from '../request/request.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { type CountDeps, countAndMake, DailyLimitError } from './count-new.ts';
import { type Examination, type ExamineDeps, examineRequest } from './examine-request.ts';

export interface AcceptDeps extends CountDeps, ExamineDeps {
  readonly deployment: string;
  readonly generations: Pick<GenerationStore, 'accept' | 'get'>;
  readonly durations: Durations;
  readonly clock: Clock;
}

/** A request that can be accepted. S3 and Wiro were asked, and nothing is stored yet. */
export interface CheckedRequest {
  readonly id: string;
  readonly origin: RequestOrigin;
  readonly hash: string;
  readonly request: AcceptedRequest;
  readonly outputFolder?: string;
}

/**
 * Checks whether a request can be accepted, or was accepted before. Stores nothing.
 * @param path - Goes before every field that an error names, such as `[3].`.
 * @returns The generation that the request's key already stands for, or the checked request.
 * @throws {RequestError} With every problem that keeps the request from being accepted.
 */
export async function checkRequest(
  deps: AcceptDeps,
  request: GenerationRequest,
  {
    origin,
    key,
    path = '',
    results,
    outputFolder,
    hasTime,
  }: {
    readonly origin: RequestOrigin;
    /** Two requests with the same key are the same request. @default - the request's own key; without one, it is new */
    readonly key?: string;
    readonly path?: string;
    readonly results?: ResultsPlace;
    /** The folder of its outputs, by id. @default - the id itself names it */
    readonly outputFolder?: (id: string) => string;
    /** Whether there is time to check one more input. If not, this throws. @default - always */
    readonly hasTime?: () => boolean;
  },
): Promise<
  | { readonly kind: 'existing'; readonly generation: Generation }
  | { readonly kind: 'new'; readonly checked: CheckedRequest }
> {
  const given = key ?? request.idempotencyKey;
  const id = generationId(deps.deployment, origin, given ?? randomUUID());
  const hash = requestHash(request);
  const standing = given === undefined ? undefined : await deps.generations.get(id);
  // This comes before the inputs are checked. They may be gone by now, and a repeat gets the same answer all the same.
  if (standing !== undefined) return { kind: 'existing', generation: requireSame(standing, hash, path) };
  const { problems, inputs, ...fixed } = await examineRequest(deps, request, {
    path,
    ...(hasTime && { hasTime }),
  });
  const [first, ...more] = problems;
  if (first !== undefined) throw RequestError.ofAll([first, ...more]);
  const { model, parameters, labels } = request;
  return {
    kind: 'new',
    checked: {
      id,
      origin,
      hash,
      request: { model, parameters, inputs, labels, ...toKeep(fixed), ...(results && { results }) },
      ...(outputFolder && { outputFolder: outputFolder(id) }),
    },
  };
}

/** What the record shows of an examination. */
const toKeep = ({ price, warnings, schemaUnchecked }: Omit<Examination, 'problems' | 'inputs'>) => ({
  ...(price.certainty !== 'unknown' && { priceUsd: price.usd }),
  priceCertainty: price.certainty,
  ...(warnings.length > 0 && { warnings }),
  ...(schemaUnchecked && { schemaUnchecked }),
});

/**
 * Accepts a checked request. Once this returns, the generation is never lost.
 * @throws {RequestError} `idempotency_conflict` if another request has used the key meanwhile, `daily_limit_reached` if
 *   the deployment accepts no more generations today.
 */
export async function acceptChecked(
  deps: AcceptDeps,
  checked: CheckedRequest,
  path = '',
  now = timestamp(deps.clock()),
): Promise<Generation> {
  try {
    return await countAndMake(
      deps,
      () => acceptCounted(deps, checked, path, now),
      // Another invocation may have accepted the same request, and counted it. Then `createdAt` is its time. If both
      // times are equal, this one may be the new one.
      ({ createdAt }) => createdAt === now,
    );
  } catch (error) {
    if (!(error instanceof DailyLimitError)) throw error;
    // The same request may have been accepted since this one was checked. The limit never refuses a repeat.
    const standing = await deps.generations.get(checked.id);
    if (standing === undefined) throw error;
    return requireSame(standing, checked.hash, path);
  }
}

/**
 * Accepts a checked request that `countTogether` has counted.
 * @throws {RequestError} `idempotency_conflict` if another request has used the key meanwhile.
 */
export async function acceptCounted(
  { deployment, generations, durations, clock }: AcceptDeps,
  { id, origin, hash, request, outputFolder }: CheckedRequest,
  path = '',
  now = timestamp(clock()),
): Promise<Generation> {
  const generation = accept(
    {
      id,
      deployment,
      origin,
      model: request.model,
      requestHash: hash,
      ...(outputFolder !== undefined && { outputFolder }),
    },
    { now, durations },
  );
  return requireSame(await generations.accept(generation, request), hash, path);
}

/**
 * Accepts a request and fails it at once. Other requests of the same file run already, and this one no longer can. Its
 * end is announced like any other.
 */
export async function acceptFailed(
  { deployment, generations, durations, clock }: AcceptDeps,
  request: GenerationRequest,
  {
    origin,
    key,
    results,
    error,
  }: {
    readonly origin: RequestOrigin;
    readonly key: string;
    readonly results: ResultsPlace;
    readonly error: GenerationError;
  },
): Promise<Generation> {
  const moment = { now: timestamp(clock()), durations };
  const { model, parameters, labels } = request;
  const names = { id: generationId(deployment, origin, key), deployment, origin, model };
  const generation = accept({ ...names, requestHash: requestHash(request) }, moment);
  return generations.accept(failAtOnce(generation, error, moment), {
    model,
    parameters,
    inputs: mapValues(request.inputs, ({ text, source }) =>
      source.kind === 'url' ? { ...source, text } : { ...source, text, etag: NEVER, sizeBytes: 0 },
    ),
    labels,
    results,
  });
}

/** An ETag that no object has. So no object that is put there later counts as this input. */
const NEVER = '"never seen"';

const mapValues = <From, To>(values: Readonly<Record<string, readonly From[]>>, map: (one: From) => To) =>
  Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.map(map)]));

/** @throws {RequestError} `idempotency_conflict` if another request made the generation. */
export function requireSame(standing: Generation, hash: string, path = ''): Generation {
  if (standing.requestHash === hash) return standing;
  const field = `${path}idempotencyKey`;
  throw new RequestError(
    'idempotency_conflict',
    `${field} was used for another request. This request started nothing and costs nothing: use a new key for a new request.`,
    field,
  );
}

import { randomUUID } from 'node:crypto';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import type { Generation, RequestOrigin } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { accept, failAtOnce } from '../generation/transitions/accept.ts';
import { InputAccessError } from '../objects/errors.ts';
import { archived, explainRefusal } from '../objects/explain-refusal.ts';
import type { InputStore } from '../objects/types.ts';
import type { AcceptedInput, AcceptedRequest, ResultsPlace } from '../request/accepted-request.ts';
import { checkAgainstSchema } from '../request/check-schema.ts';
import { requireSupportedKind } from '../request/file-kind.ts';
import { generationId, requestHash } from '../request/identity.ts';
import { gatherProblems, MOST_PROBLEMS } from '../request/problems.ts';
import type { GenerationRequest } from '../request/request.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Durations, InputHandover } from '../settings.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { type CountDeps, countAndMake, DailyLimitError } from './count-new.ts';
import { explainUnsupported } from './explain-unsupported.ts';
import type { KnownModel } from './known-models.ts';

export interface AcceptDeps extends CountDeps {
  readonly deployment: string;
  readonly inputs: Pick<InputStore, 'head'>;
  /** Decides whether file kinds that Wiro's upload refuses are refused here. @default 'upload' */
  readonly inputHandover?: InputHandover;
  readonly generations: Pick<GenerationStore, 'accept' | 'get'>;
  /** Returns `undefined` if Wiro cannot be asked now. Then Wiro decides when the generation runs. */
  readonly knownModel: (model: string) => Promise<KnownModel | undefined>;
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

/** Wiro's upload refuses larger files. */
const LARGEST_INPUT_BYTES = 100 * 1024 * 1024;
const HEADS_AT_ONCE = 10;

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
  const id = generationId(deps.deployment, origin, key ?? request.idempotencyKey ?? randomUUID());
  const hash = requestHash(request);
  const standing = await deps.generations.get(id);
  // This comes before the inputs are checked. They may be gone by now, and a repeat gets the same answer all the same.
  if (standing !== undefined) return { kind: 'existing', generation: requireSame(standing, hash, path) };
  const known = await deps.knownModel(request.model);
  const problems = gatherProblems();
  if (known !== undefined) problems.check(() => checkModel(request, known, path));
  // An input for a parameter that the model does not have is wrong, whatever the object is.
  const toCheck = Object.entries(request.inputs).filter(
    ([name]) => !problems.isWrong(`${path}inputs.${name}`),
  );
  const inputs = await problems
    .checkLater(() => acceptInputs(deps, toCheck, path, hasTime))
    .catch((error: unknown) => {
      // S3 does not answer. Problems that were found before are reported instead: the caller can correct those.
      problems.throwAny();
      throw error;
    });
  problems.throwAny();
  const { model, parameters, labels } = request;
  return {
    kind: 'new',
    checked: {
      id,
      origin,
      hash,
      request: { model, parameters, inputs: inputs ?? {}, labels, ...(results && { results }) },
      ...(outputFolder && { outputFolder: outputFolder(id) }),
    },
  };
}

function checkModel(request: GenerationRequest, known: KnownModel, path: string): void {
  if (known.kind === 'unknownModel')
    throw new RequestError(
      'model_not_found',
      `${path}model "${request.model}" does not exist at Wiro, or this project may not use it: take owner/project from the model's address at Wiro.`,
      `${path}model`,
    );
  if (known.kind === 'unsupportedModel')
    throw RequestError.of(explainUnsupported(request.model, known.modelKind, path));
  checkAgainstSchema(request, known.schema, path);
}

/**
 * Accepts a checked request. Once this returns, the generation is never lost.
 * @throws {RequestError} `idempotency_conflict` if another request has used the key meanwhile, `daily_limit_reached` if
 *   the deployment accepts no more generations today.
 */
export async function acceptChecked(
  deps: AcceptDeps,
  checked: CheckedRequest,
  path = '',
): Promise<Generation> {
  const now = timestamp(deps.clock());
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

function requireSame(standing: Generation, hash: string, path: string): Generation {
  if (standing.requestHash === hash) return standing;
  const field = `${path}idempotencyKey`;
  throw new RequestError(
    'idempotency_conflict',
    `${field} was used for another request. This one started nothing and costs nothing: use a new key for a new request.`,
    field,
  );
}

async function acceptInputs(
  { inputs: store, inputHandover }: Pick<AcceptDeps, 'inputs' | 'inputHandover'>,
  inputs: readonly (readonly [string, GenerationRequest['inputs'][string]])[],
  path: string,
  hasTime = () => true,
): Promise<AcceptedRequest['inputs']> {
  const named = inputs.flatMap(([name, sources]) =>
    sources.map((written, index) => ({
      ...written,
      name,
      field: `${path}inputs.${name}${sources.length > 1 ? `[${index}]` : ''}`,
    })),
  );
  let refused = 0;
  let isOutOfTime = false;
  const checked = await mapLimited(named, HEADS_AT_ONCE, async (one) => {
    isOutOfTime ||= !hasTime();
    if (isOutOfTime || refused >= MOST_PROBLEMS) return undefined;
    return await checkInput(one).catch((error: unknown) => {
      if (!(error instanceof RequestError)) throw error;
      refused += 1;
      return error;
    });
  });
  const problems = gatherProblems();
  const accepted = new Map<string, AcceptedInput[]>();
  // In the order of the request, not of the answers.
  for (const one of checked)
    problems.check(() => {
      if (one instanceof RequestError) throw one;
      if (one !== undefined) accepted.set(one.name, [...(accepted.get(one.name) ?? []), one.input]);
    });
  problems.throwAny();
  if (isOutOfTime) throw new Error('No time is left to check the inputs of this request');
  return Object.fromEntries(accepted);

  async function checkInput({
    name,
    text,
    source,
    field,
  }: (typeof named)[number]): Promise<{ readonly name: string; readonly input: AcceptedInput }> {
    if (source.kind === 'url')
      return { name, input: { kind: 'url', text, url: source.url } satisfies AcceptedInput };
    const { bucket, key } = source;
    const object = await store.head({ bucket, key }).catch((error: unknown) => {
      throw error instanceof InputAccessError ? RequestError.of(explainRefusal(error, field)) : error;
    });
    if (object === undefined) {
      throw new RequestError(
        'input_not_found',
        `${field}: there is no object "${key}" in the bucket "${bucket}": put it there first, or correct the key.`,
        field,
      );
    }
    if (object.sizeBytes === 0) {
      throw new RequestError(
        'input_empty',
        `${field}: the object "${key}" is empty (0 bytes): put it again, whole.`,
        field,
      );
    }
    if (object.sizeBytes > LARGEST_INPUT_BYTES) {
      throw new RequestError(
        'input_too_large',
        `${field}: the object "${key}" has ${object.sizeBytes} bytes; Wiro accepts at most ${LARGEST_INPUT_BYTES} (100 MB): make it smaller.`,
        field,
      );
    }
    if (inputHandover !== 'presigned') requireSupportedKind(object, field);
    if (object.isArchived) throw RequestError.of(archived(object, field));
    const { etag, sizeBytes, contentType, versionId, checksum } = object;
    const input: AcceptedInput = {
      kind: 'object',
      text,
      bucket,
      key,
      etag,
      sizeBytes,
      ...(contentType && { contentType }),
      ...(versionId !== undefined && { versionId }),
      ...(checksum !== undefined && { checksum }),
    };
    return { name, input };
  }
}

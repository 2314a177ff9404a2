import { type AcceptDeps, acceptChecked, checkRequest } from '../acceptance/accept-generation.ts';
import { countAndMake, DailyLimitError } from '../acceptance/count-new.ts';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import type { Generation } from '../generation/generation.ts';
import { isGenerationId } from '../generation/identity.ts';
import { type GenerationRecord, type RecordDeps, toRecord } from '../generation/record.ts';
import { isRecord, parseRequest } from '../generation/request.ts';
import { retried } from '../generation/retry.ts';
import type { SourceRules } from '../generation/source.ts';
import { timestamp } from '../generation/time.ts';
import { cancelWished } from '../generation/transitions.ts';
import { ignore } from '../ignore.ts';
import type { GenerationStore, Updated } from '../store/generation-store.ts';
import type { WiroClient } from '../wiro/types.ts';
import { confirmNamed } from './confirm-named.ts';

export interface RoutesDeps extends AcceptDeps, RecordDeps {
  readonly generations: GenerationStore;
  readonly wiro: Pick<WiroClient, 'task'>;
  readonly rules: SourceRules;
  readonly submit: (id: string) => Promise<void>;
  /** What of its secrets the deployment lacks, and the remedy; `undefined` when nothing is known to be missing. */
  readonly missingSecrets: () => Promise<string | undefined>;
  /** Has the task looked at: it may have to be stopped, or the end announced. */
  readonly collect: (id: string) => Promise<void>;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** As it came: bytes, whatever they are. */
  readonly body: Buffer;
}

export interface ApiAnswer {
  readonly statusCode: number;
  readonly body: GenerationRecord | { readonly error: GenerationError };
  readonly headers?: Readonly<Record<string, string>>;
}

const LARGEST_BODY_BYTES = 1024 * 1024;

const STATUS: Partial<Record<GenerationError['code'], number>> = {
  daily_limit_reached: 429,
  idempotency_conflict: 409,
  method_not_allowed: 405,
  not_configured: 503,
  not_retryable: 409,
  not_found: 404,
  request_too_large: 413,
  upstream_unavailable: 503,
};

/** Answers one request of the API. */
export async function answerRequest(deps: RoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  try {
    return await route(deps, request);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const statusCode = STATUS[error.error.code] ?? 400;
    return {
      statusCode,
      body: { error: error.error },
      ...(statusCode === 405 && {
        headers: { allow: /^\/generations\/[^/]+$/.test(request.path) ? 'GET' : 'POST' },
      }),
      ...(error instanceof DailyLimitError && {
        headers: {
          'retry-after': String(Math.ceil((Date.parse(error.opensAt) - deps.clock().getTime()) / 1_000)),
        },
      }),
    };
  }
}

async function route(deps: RoutesDeps, { method, path, body }: ApiRequest): Promise<ApiAnswer> {
  const parts = path.split('/').slice(1);
  while (parts.at(-1) === '') parts.pop();
  const [resource, id, action] = parts;
  if (resource === 'generations' && parts.length === 1) {
    requireMethod(method, 'POST');
    return accept(deps, body);
  }
  if (resource === 'generations' && id !== undefined && isGenerationId(id)) {
    if (parts.length === 2) {
      requireMethod(method, 'GET');
      return { statusCode: 200, body: await record(deps, id) };
    }
    if (parts.length === 3 && action === 'cancel') {
      requireMethod(method, 'POST');
      return cancel(deps, id);
    }
    if (parts.length === 3 && action === 'retry') {
      requireMethod(method, 'POST');
      return retry(deps, id, body);
    }
  }
  throw new RequestError(
    'not_found',
    resource === 'generations' && parts.length === 2
      ? `There is no generation "${id}".`
      : 'There is nothing at this path: POST /generations, GET /generations/{id}, POST /generations/{id}/cancel or /retry.',
  );
}

function requireMethod(method: string, wanted: string): void {
  if (method !== wanted)
    throw new RequestError('method_not_allowed', `${method} is not possible here: use ${wanted}.`);
}

async function accept(deps: RoutesDeps, body: Buffer): Promise<ApiAnswer> {
  const request = parseRequest(parseBody(body), deps.rules);
  const [checked, missing] = await Promise.all([
    checkRequest(deps, request, { origin: 'api' }),
    deps.missingSecrets(),
  ]);
  // What was accepted before is answered as before.
  if (checked.kind === 'new') refuseWithout(missing);
  const generation =
    checked.kind === 'known' ? checked.generation : await acceptChecked(deps, checked.checked);
  if (generation.status === 'queued') {
    await deps
      .submit(generation.id)
      .catch(ignore('reconcile submits what is due', { generationId: generation.id }));
  }
  return {
    statusCode: 202,
    headers: { location: `/generations/${generation.id}` },
    body: await record(deps, generation.id),
  };
}

async function cancel(deps: RoutesDeps, id: string): Promise<ApiAnswer> {
  const moment = { now: timestamp(deps.clock()), durations: deps.durations };
  const wished = await deps.generations.update(id, (current) => cancelWished(current, moment));
  if (wished.kind === 'missing') throw new RequestError('not_found', `There is no generation "${id}".`);
  if (wished.kind === 'written') {
    await deps.collect(id).catch(ignore('reconcile collects what is due', { generationId: id }));
  }
  return { statusCode: 202, body: await record(deps, id) };
}

async function retry(deps: RoutesDeps, id: string, body: Buffer): Promise<ApiAnswer> {
  const options = body.length === 0 ? {} : parseBody(body);
  const force = isRecord(options) ? (options.force ?? false) : undefined;
  if (typeof force !== 'boolean') {
    throw new RequestError('invalid_parameter', 'force must be true or false, in a JSON object.', 'force');
  }
  refuseWithout(await deps.missingSecrets());
  const named = await confirmNamed(deps, id, force);
  const moment = { now: timestamp(deps.clock()), durations: deps.durations };
  const again = await startAgain(deps, id, (current) => retried(current, force, moment, named));
  if (again.kind === 'missing') throw new RequestError('not_found', `There is no generation "${id}".`);
  const start = again.generation.status === 'queued' ? deps.submit : deps.collect;
  await start(id).catch(ignore('reconcile takes up what is due', { generationId: id }));
  return { statusCode: 202, body: await record(deps, id) };
}

function refuseWithout(missing: string | undefined): void {
  if (missing === undefined) return;
  throw new RequestError(
    'not_configured',
    `This deployment lacks its secrets and runs nothing yet: ${missing}. Then ask again. Nothing was stored or charged.`,
    undefined,
    true,
  );
}

/** Another Run may be charged: it counts as a new generation does. Collecting a paid task again does not. */
async function startAgain(
  { generations, dailyLimit }: RoutesDeps,
  id: string,
  decide: (current: Generation) => Generation,
): Promise<Updated> {
  const start = () => generations.update(id, decide);
  if (dailyLimit === undefined) return start();
  const current = await generations.get(id);
  const runs = current !== undefined && decide(current).status === 'queued';
  return runs ? countAndMake({ dailyLimit }, start) : start();
}

function parseBody(body: Buffer): unknown {
  if (body.length > LARGEST_BODY_BYTES) {
    throw new RequestError(
      'request_too_large',
      `The request has ${body.length} bytes; at most ${LARGEST_BODY_BYTES} (1 MB) are taken: pass large inputs through S3.`,
    );
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new RequestError(
      'invalid_request',
      `The body is not JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}.`,
    );
  }
}

async function record(deps: RoutesDeps, id: string): Promise<GenerationRecord> {
  const whole = await deps.generations.whole(id);
  if (whole === undefined) throw new RequestError('not_found', `There is no generation "${id}".`);
  return toRecord(deps, whole);
}

import { isUtf8 } from 'node:buffer';
import { type GenerationError, RequestError, toldAsRefusal } from '../generation/errors.ts';
import type { Generation } from '../generation/generation.ts';
import { retried } from '../generation/retry.ts';
import { timestamp } from '../generation/time.ts';
import { cancelWished } from '../generation/transitions.ts';
import { type AcceptDeps, acceptChecked, checkRequest } from '../intake/accept-generation.ts';
import { countAndMake, DailyLimitError } from '../intake/count-new.ts';
import { isGenerationId } from '../request/identity.ts';
import { readJson } from '../request/read-json.ts';
import { isRecord, parseRequest } from '../request/request.ts';
import type { SourceRules } from '../request/source.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { GenerationStore, Updated } from '../store/generation-store.ts';
import type { WiroClient } from '../wiro/types.ts';
import { confirmNamed } from './confirm-named.ts';
import { type GenerationRecord, type RecordDeps, toRecord } from './record.ts';

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
  const route = routeOf(request.path);
  try {
    if (route === undefined) throw nothingHere();
    requireMethod(request.method, route.methods);
    return await route.answer(deps, request.body);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const { code } = error.error;
    const statusCode = STATUS[code] ?? 400;
    const isAboutPath = code === 'not_found' || code === 'method_not_allowed';
    return {
      statusCode,
      body: { error: isAboutPath ? error.error : toldAsRefusal(error.error, route?.asked) },
      ...(statusCode === 405 && route && { headers: { allow: route.methods.join(', ') } }),
      ...(error instanceof DailyLimitError && {
        headers: {
          'retry-after': String(Math.ceil((Date.parse(error.opensAt) - deps.clock().getTime()) / 1_000)),
        },
      }),
    };
  }
}

interface Route {
  readonly methods: readonly string[];
  readonly answer: (deps: RoutesDeps, body: Buffer) => Promise<ApiAnswer>;
  /** @default 'request' */
  readonly asked?: 'retry';
}

/** By the path alone: whether an id is one of a generation is not to be learned from how it is refused. */
function routeOf(path: string): Route | undefined {
  // Whoever joins addresses leaves a slash too many.
  const [resource, id, action, ...more] = path.split('/').filter((part) => part !== '');
  if (resource !== 'generations' || more.length > 0) return undefined;
  if (id === undefined) return { methods: ['POST'], answer: accept };
  switch (action) {
    case undefined:
      return {
        methods: ['GET', 'HEAD'],
        answer: async (deps) => ({ statusCode: 200, body: await record(deps, id) }),
      };
    case 'cancel':
      return { methods: ['POST'], answer: (deps) => cancel(deps, id) };
    case 'retry':
      return { methods: ['POST'], answer: (deps, body) => retry(deps, id, body), asked: 'retry' };
    default:
      return undefined;
  }
}

const nothingHere = () =>
  new RequestError(
    'not_found',
    'There is nothing at this path: POST /generations, GET /generations/{id}, POST /generations/{id}/cancel or /retry.',
  );

const noGeneration = (id: string) =>
  new RequestError(
    'not_found',
    `There is no generation "${id.length > LONGEST_QUOTED ? `${id.slice(0, LONGEST_QUOTED)}…` : id}": check the id, and that this is the deployment that accepted it.`,
  );

const LONGEST_QUOTED = 64;

function requireMethod(method: string, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new RequestError(
    'method_not_allowed',
    `${method} is not possible here: use ${methods.join(' or ')}.`,
  );
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
      .catch(logIgnored('reconcile submits what is due', { generationId: generation.id }));
  }
  return {
    statusCode: 202,
    headers: { location: `/generations/${generation.id}` },
    body: await record(deps, generation.id),
  };
}

async function cancel(deps: RoutesDeps, id: string): Promise<ApiAnswer> {
  if (!isGenerationId(id)) throw noGeneration(id);
  const moment = { now: timestamp(deps.clock()), durations: deps.durations };
  const wished = await deps.generations.update(id, (current) => cancelWished(current, moment));
  if (wished.kind === 'missing') throw noGeneration(id);
  if (wished.kind === 'written') {
    await deps.collect(id).catch(logIgnored('reconcile collects what is due', { generationId: id }));
  }
  return { statusCode: 202, body: await record(deps, id) };
}

async function retry(deps: RoutesDeps, id: string, body: Buffer): Promise<ApiAnswer> {
  const force = readForce(body);
  refuseWithout(await deps.missingSecrets());
  if (!isGenerationId(id)) throw noGeneration(id);
  const named = await confirmNamed(deps, id, force);
  const moment = { now: timestamp(deps.clock()), durations: deps.durations };
  const again = await startAgain(deps, id, (current) => retried(current, force, moment, named));
  if (again.kind === 'missing') throw noGeneration(id);
  const start = again.generation.status === 'queued' ? deps.submit : deps.collect;
  await start(id).catch(logIgnored('reconcile takes up what is due', { generationId: id }));
  return { statusCode: 202, body: await record(deps, id) };
}

/** The body of a retry: nothing, or `{"force": true}`. */
function readForce(body: Buffer): boolean {
  const options = body.length === 0 ? {} : parseBody(body);
  if (!isRecord(options))
    throw new RequestError(
      'invalid_request',
      'The body of a retry must be a JSON object, {"force": true}, or nothing at all.',
    );
  const unknown = Object.keys(options).find((name) => name !== 'force');
  if (unknown !== undefined)
    throw new RequestError(
      'invalid_request',
      `${unknown} is not known: a retry has force, and runs the request as it was accepted. Send another request for other parameters.`,
      unknown,
    );
  const { force = false } = options;
  if (typeof force === 'boolean') return force;
  throw new RequestError('invalid_parameter', 'force must be true or false.', 'force');
}

function refuseWithout(missing: string | undefined): void {
  if (missing === undefined) return;
  throw new RequestError(
    'not_configured',
    `This deployment lacks its secrets and runs nothing yet: ${missing}. Then ask again.`,
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
      `The request has ${body.length} bytes; at most ${LARGEST_BODY_BYTES} (1 MB) are taken: put large inputs into the input bucket and name them.`,
    );
  }
  if (!isUtf8(body))
    throw new RequestError('invalid_request', 'The body is not JSON in UTF-8: send it in that encoding.');
  const read = readJson(body.toString('utf8'), 'The body');
  if (read.kind === 'read') return read.value;
  throw new RequestError('invalid_request', read.message);
}

async function record(deps: RoutesDeps, id: string): Promise<GenerationRecord> {
  if (!isGenerationId(id)) throw noGeneration(id);
  const whole = await deps.generations.whole(id);
  if (whole === undefined) throw noGeneration(id);
  return toRecord(deps, whole);
}

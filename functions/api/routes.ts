import { addNoCharge, type GenerationError, RequestError, withProblems } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { requestCancel } from '../generation/transitions/request-cancel.ts';
import { DailyLimitError } from '../intake/count-new.ts';
import { isGenerationId } from '../request/identity.ts';
import { REQUEST_FORM } from '../request/request.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore, WholeGeneration } from '../store/generation-store.ts';
import type { WiroClient } from '../wiro/types.ts';
import { requireSecrets } from './check-configuration.ts';
import type { CreateUploadDeps } from './create-upload.ts';
import type { GetModelDeps } from './get-model.ts';
import type { TimelineDeps } from './get-timeline.ts';
import type { ListDeps } from './list-generations.ts';
import type { ListModelsDeps } from './list-models.ts';
import type { ListUsageDeps } from './list-usage.ts';
import { parseBody, type RequestBody } from './read-body.ts';
import { type GenerationRecord, type RecordDeps, toRecord } from './record.ts';
import { type SubmitRequestDeps, submitRequest } from './submit-request.ts';

export interface RoutesDeps
  extends SubmitRequestDeps,
    RecordDeps,
    ListDeps,
    ListModelsDeps,
    ListUsageDeps,
    GetModelDeps,
    TimelineDeps,
    Pick<CreateUploadDeps, 'presignUpload'> {
  readonly generations: GenerationStore;
  readonly wiro: Pick<WiroClient, 'task' | 'models' | 'model'>;
  readonly durations: Durations;
  /** Starts collecting, which also stops a cancelled task and announces an end. */
  readonly collect: (id: string) => Promise<void>;
}

export interface ApiRequest extends RequestBody {
  readonly method: string;
  readonly path: string;
  /** @default - none */
  readonly query?: URLSearchParams;
}

export interface ApiAnswer {
  readonly statusCode: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const STATUS: Partial<Record<GenerationError['code'], number>> = {
  daily_limit_reached: 429,
  idempotency_conflict: 409,
  method_not_allowed: 405,
  not_configured: 503,
  not_retryable: 409,
  not_found: 404,
  request_too_large: 413,
  upstream_unauthorized: 503,
  upstream_unavailable: 503,
};

/** Answers one request of the API. */
export async function answerRequest(deps: RoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const route = routeOf(request.path);
  try {
    if (route === undefined) throw unknownPath();
    requireMethod(request.method, route.methods);
    return await route.answer(deps, request);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const { code } = error.error;
    const statusCode = route?.statuses?.[code] ?? STATUS[code] ?? 400;
    const isAboutPath = code === 'not_found' || code === 'method_not_allowed';
    // A question starts nothing, whatever comes of it.
    const answered = request.method === 'POST' ? addNoCharge(error.error, route?.asked) : error.error;
    return {
      statusCode,
      body: {
        error: isAboutPath ? error.error : withProblems(answered, error.problems),
      },
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
  readonly answer: (deps: RoutesDeps, request: ApiRequest) => Promise<ApiAnswer>;
  /** What a refusal says it did not start. @default - a request */
  readonly asked?: 'retry';
  /** Statuses of errors that mean something else here. */
  readonly statuses?: Partial<Record<GenerationError['code'], number>>;
}

/**
 * Selects the route by the form of the path alone, so that a refusal does not reveal whether an id exists. Most requests
 * submit or read one generation. The code of the others is loaded with the first one.
 */
function routeOf(path: string): Route | undefined {
  // Clients that join URL parts may add extra slashes.
  const [resource, id, action, ...more] = path.split('/').filter((part) => part !== '');
  if (resource === 'uploads' && id === undefined)
    return {
      methods: ['POST'],
      answer: async (deps, request) => {
        const { createUpload, EXAMPLE } = await import('./create-upload.ts');
        return { statusCode: 201, body: await createUpload(deps, parseBody(request, EXAMPLE)) };
      },
    };
  if (resource === 'models') return modelRouteOf(id, action, more);
  if (resource === 'usage' && id === undefined)
    return {
      methods: ['GET'],
      answer: async (deps, { query }) => {
        const { listUsage } = await import('./list-usage.ts');
        return { statusCode: 200, body: await listUsage(deps, query) };
      },
    };
  if (resource !== 'generations' || more.length > 0) return undefined;
  if (id === undefined)
    return {
      methods: ['GET', 'POST'],
      answer: (deps, request) =>
        request.method === 'POST' ? accept(deps, request) : list(deps, request.query),
    };
  switch (action) {
    case undefined:
      return {
        methods: ['GET', 'HEAD'],
        answer: async (deps) => ({ statusCode: 200, body: await record(deps, id) }),
      };
    case 'cancel':
      return { methods: ['POST'], answer: (deps) => cancel(deps, id) };
    case 'retry':
      return { methods: ['POST'], answer: (deps, request) => retry(deps, id, request), asked: 'retry' };
    case 'timeline':
      return {
        methods: ['GET'],
        answer: (deps) => timeline(deps, id),
      };
    default:
      return undefined;
  }
}

function modelRouteOf(
  owner: string | undefined,
  project: string | undefined,
  more: readonly string[],
): Route | undefined {
  const route = { methods: ['GET', 'HEAD'] } as const;
  if (owner === undefined)
    return {
      ...route,
      answer: async (deps, { query }) => {
        const { listModels } = await import('./list-models.ts');
        requireSecrets(await deps.missingSecrets());
        return { statusCode: 200, body: await listModels(deps, query) };
      },
    };
  if (project === undefined || more.length > 0) return undefined;
  return {
    ...route,
    statuses: { model_not_found: 404, model_not_allowed: 404 },
    answer: async (deps) => {
      const { getModel } = await import('./get-model.ts');
      requireSecrets(await deps.missingSecrets());
      return { statusCode: 200, body: await getModel(deps, `${owner}/${project}`) };
    },
  };
}

const unknownPath = () =>
  new RequestError(
    'not_found',
    'There is no such path: use GET /models, GET /models/{owner}/{project}, GET /usage, POST /uploads, GET or POST /generations, GET /generations/{id}, GET /generations/{id}/timeline, POST /generations/{id}/cancel or POST /generations/{id}/retry.',
  );

const noGeneration = (id: string) =>
  new RequestError(
    'not_found',
    `There is no generation "${id.length > LONGEST_QUOTED ? `${id.slice(0, LONGEST_QUOTED)}…` : id}": check the id, and that this deployment accepted it.`,
  );

const LONGEST_QUOTED = 64;

function requireMethod(method: string, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new RequestError(
    'method_not_allowed',
    `${method} is not supported at this path: use ${methods.join(' or ')}.`,
  );
}

async function accept(deps: RoutesDeps, body: RequestBody): Promise<ApiAnswer> {
  const submitted = await submitRequest(deps, parseBody(body, REQUEST_FORM));
  if (submitted.kind === 'dryRun') return { statusCode: 200, body: submitted.answer };
  const { id, stored } = submitted;
  return {
    statusCode: 202,
    headers: { location: `/generations/${id}` },
    body: stored ? await toRecord(deps, stored) : { ...(await record(deps, id)), repeated: true },
  };
}

async function list(deps: RoutesDeps, query: ApiRequest['query']): Promise<ApiAnswer> {
  const { listGenerations } = await import('./list-generations.ts');
  return { statusCode: 200, body: await listGenerations(deps, query) };
}

async function timeline(deps: RoutesDeps, id: string): Promise<ApiAnswer> {
  const { getTimeline } = await import('./get-timeline.ts');
  return { statusCode: 200, body: await getTimeline(deps, await whole(deps, id)) };
}

async function cancel(deps: RoutesDeps, id: string): Promise<ApiAnswer> {
  if (!isGenerationId(id)) throw noGeneration(id);
  const moment = { now: timestamp(deps.clock()), durations: deps.durations };
  const updated = await deps.generations.update(id, (current) => requestCancel(current, moment));
  if (updated.kind === 'missing') throw noGeneration(id);
  if (updated.kind === 'written') {
    await deps.collect(id).catch(logIgnored('reconcile collects what is due', { generationId: id }));
  }
  return { statusCode: 202, body: await record(deps, id) };
}

async function retry(deps: RoutesDeps, id: string, body: RequestBody): Promise<ApiAnswer> {
  const { readForce, retryGeneration } = await import('./retry-generation.ts');
  const force = readForce(body);
  requireSecrets(await deps.missingSecrets());
  if (!isGenerationId(id)) throw noGeneration(id);
  const retried = await retryGeneration(deps, id, force);
  if (retried === undefined) throw noGeneration(id);
  const start = retried.status === 'queued' ? deps.submit : deps.collect;
  await start(id).catch(logIgnored('reconcile starts what is due', { generationId: id }));
  return { statusCode: 202, body: await record(deps, id) };
}

const record = async (deps: RoutesDeps, id: string): Promise<GenerationRecord> =>
  toRecord(deps, await whole(deps, id));

async function whole({ generations }: RoutesDeps, id: string): Promise<WholeGeneration> {
  if (!isGenerationId(id)) throw noGeneration(id);
  const found = await generations.whole(id);
  if (found === undefined) throw noGeneration(id);
  return found;
}

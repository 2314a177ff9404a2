import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer, Api, ApiDeps } from './api.ts';
import { findAuthenticationError } from './authentication.ts';
import { API_OPERATIONS, type ApiOperation } from './fault-rules.ts';
import { answerWithFault } from './faulty-answer.ts';
import { refusal, sendJson } from './http-answers.ts';
import { type ReadFormDeps, RequestError, readForm } from './request.ts';

export interface ApiRoutesDeps
  extends Pick<ApiDeps, 'settings' | 'clock' | 'faults' | 'tasks'>,
    ReadFormDeps {
  readonly api: Api;
  /** Counts requests by operation. */
  readonly count: (operation: string) => void;
}

/** Serves one request under `/v1`. */
export async function serveApi(
  deps: ApiRoutesDeps,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { api, settings, faults, tasks, clock } = deps;
  const route = request.method === 'POST' ? findRoute(path) : undefined;
  deps.count(route?.operation ?? 'unknown');
  if (!route) return sendJson(response, refusal({ code: 0, message: 'Error parsing url.' }), 404);
  const unauthorized = findAuthenticationError(request.headers, settings);
  if (unauthorized !== undefined) {
    // Reads the rest of the body. Otherwise, the client would see a broken connection instead of the response.
    request.resume();
    return sendJson(response, refusal({ code: 0, message: unauthorized }), 401);
  }

  if (route.operation === 'File/Upload' && settings.uploadsRefused) {
    request.resume();
    return sendJson(response, refusal({ code: 0, message: 'invalid-parameters' }));
  }

  // An upload's fault applies before the body is read, so that a reset can interrupt the body.
  const early = route.operation === 'File/Upload' ? faults.take('File/Upload', {}) : undefined;
  if (early && early.kind !== 'record' && early.work === 'never') {
    request.resume();
    return answerWithFault({ clock, announced: async () => {} }, early, async () => ({}), response);
  }

  let form: Awaited<ReturnType<typeof readForm>>;
  try {
    form = await readForm(deps, request);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return sendJson(response, refusal(error));
  }

  const subject = api.subject({ ...route, form });
  const fault =
    early ?? (route.operation === 'File/Upload' ? undefined : faults.take(route.operation, subject));
  const work = async (): Promise<Answer> => {
    try {
      return await api.carryOut({ ...route, form, fault });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      return refusal(error);
    }
  };
  if (!fault || fault.kind === 'record') return sendJson(response, await work());
  const announced = async ({ taskid }: Answer) => tasks.find(String(taskid))?.announced.promise;
  await answerWithFault({ clock, announced }, fault, work, response);
}

function findRoute(path: string): { operation: ApiOperation; rest: string[] } | undefined {
  const [first = '', second = '', ...more] = path.split('/').map(decodeURIComponent);
  const [project = ''] = more;
  if (first === 'Run')
    return second && project && more.length === 1 ? { operation: 'Run', rest: [second, project] } : undefined;
  const operation = API_OPERATIONS.find((name) => name === `${first}/${second}`);
  return operation && more.length === 0 ? { operation, rest: [] } : undefined;
}

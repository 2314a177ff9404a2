import { classifyRun } from './classify-run.ts';
import { beforeEnd } from './deadline.ts';
import { WiroError } from './errors.ts';
import { loadHttp, type PostRequest, type PostTimeouts } from './http.ts';
import { type MultipartBody, openMultipart } from './multipart.ts';
import type { SignedRequest, SignRequest } from './request.ts';
import { spellRun } from './spell-parameters.ts';
import type { RunOutcome, RunRequest } from './types.ts';

/**
 * Runs a model, once. One limit holds for everything, from reading the credentials to the last byte of the answer.
 * All that can go wrong by itself is done before the connection is opened: then it is certain that nothing ran.
 */
export async function run(
  signRequest: SignRequest,
  { connectMs }: Pick<PostTimeouts, 'connectMs'>,
  request: RunRequest,
): Promise<RunOutcome> {
  const { model, timeoutMs } = request;
  const endsAt = performance.now() + timeoutMs;
  const notRun = (reason: 'unreachable' | 'unauthorized' | 'invalid', why: string): RunOutcome => ({
    kind: 'notRun',
    reason,
    message: `Cannot run "${model}": ${why}`,
    why,
  });

  const path = pathOf(model);
  if (path === undefined) return notRun('invalid', 'a model is named "owner/project"');
  const preparing = prepare(signRequest, path, endsAt, request);
  let prepared: PreparedRun;
  try {
    prepared = await beforeEnd(endsAt, preparing);
  } catch (error) {
    preparing.then(({ close }) => close()).catch(() => {}); // nobody waits for it any more
    if (!(error instanceof WiroError))
      // Messages of others may hold anything: their class says enough here.
      return notRun('unreachable', `what it needs could not be read (${nameOf(error)})`);
    return notRun(error.kind === 'unauthorized' ? 'unauthorized' : 'unreachable', error.why);
  }
  try {
    const timeouts = { connectMs, headersMs: timeoutMs, bodyMs: timeoutMs };
    const result = await prepared.request.send(prepared.body, prepared.contentType, timeouts);
    return classifyRun(result, model, prepared.request.redact);
  } catch (error) {
    return { kind: 'unknown', message: `It is not known whether Wiro runs "${model}" (${nameOf(error)})` };
  } finally {
    prepared.close();
  }
}

interface PreparedRun {
  readonly request: SignedRequest;
  readonly body: PostRequest['body'];
  readonly contentType: string;
  readonly close: () => void;
}

async function prepare(
  signRequest: SignRequest,
  path: string,
  endsAt: number,
  run: RunRequest,
): Promise<PreparedRun> {
  const spelled = spellRun(run);
  const [request] = await Promise.all([
    signRequest(path, { endsAt, secrets: [run.callbackUrl] }),
    loadHttp(),
  ]);
  if (spelled.kind === 'json') {
    const body = JSON.stringify(Object.fromEntries(spelled.fields.map(({ name, value }) => [name, value])));
    return { request, body, contentType: 'application/json', close: () => {} };
  }
  const body: MultipartBody = await openMultipart(spelled.fields);
  return { request, body, contentType: body.contentType, close: body.close };
}

/** `owner/project`, each one plain segment: `..` would lead to another endpoint. */
function pathOf(model: string): string | undefined {
  const segments = model.split('/');
  if (segments.length !== 2 || segments.some((segment) => /^\.{0,2}$/.test(segment))) return undefined;
  return `Run/${segments.map(encodeURIComponent).join('/')}`;
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'no error object');

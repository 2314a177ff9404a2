import { classifyRun } from './classify-run.ts';
import { beforeEnd } from './deadline.ts';
import { WiroError } from './errors.ts';
import type { PostRequest, PostTimeouts } from './http.ts';
import { type MultipartBody, openMultipart } from './multipart.ts';
import type { SignedRequest, SignRequest } from './request.ts';
import { spellRun } from './spell-parameters.ts';
import type { RunOutcome, RunRequest } from './types.ts';

/**
 * Runs a model once. One time limit covers everything from reading the credentials to the last byte of the answer.
 * Every step that can fail on its own precedes the connection, so that a failure there proves that nothing ran.
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
  if (path === undefined) return notRun('invalid', 'the name of a model must have the form "owner/project"');
  const preparing = prepare(signRequest, path, endsAt, request);
  let prepared: PreparedRun;
  try {
    prepared = await beforeEnd(endsAt, preparing);
  } catch (error) {
    preparing.then(({ close }) => close()).catch(() => {}); // after a timeout the preparation still continues
    if (!(error instanceof WiroError))
      // The message of a foreign error may contain a secret, so only its class is shown.
      return notRun('unreachable', `its credentials or files could not be read (${nameOf(error)})`);
    return notRun(error.kind === 'unauthorized' ? 'unauthorized' : 'unreachable', error.why);
  }
  try {
    const timeouts = { connectMs, headersMs: timeoutMs, bodyMs: timeoutMs };
    const result = await prepared.request.send(prepared.body, prepared.contentType, timeouts);
    return classifyRun(result, model, prepared.request.redact);
  } catch (error) {
    return {
      kind: 'unknown',
      message: `Wiro may run "${model}" and charge for it (${nameOf(error)})`,
    };
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
  const request = await signRequest(path, { endsAt, secrets: [run.callbackUrl] });
  if (spelled.kind === 'json') {
    const body = JSON.stringify(Object.fromEntries(spelled.fields.map(({ name, value }) => [name, value])));
    return { request, body, contentType: 'application/json', close: () => {} };
  }
  const body: MultipartBody = await openMultipart(spelled.fields);
  return { request, body, contentType: body.contentType, close: body.close };
}

/** Builds the path from `owner/project`. Rejects any other form: a `..` would lead to another endpoint. */
function pathOf(model: string): string | undefined {
  const segments = model.split('/');
  if (segments.length !== 2 || segments.some((segment) => /^\.{0,2}$/.test(segment))) return undefined;
  return `Run/${segments.map(encodeURIComponent).join('/')}`;
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'no error object');

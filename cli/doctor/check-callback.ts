import { type HttpAnswer, send } from './calls.ts';
import { type Judgement, ok, unchecked, wrong } from './finding.ts';

/** The answers of `callback` to a callback with a wrong signature. */
export interface CallbackAnswers {
  readonly post: HttpAnswer;
  /** To GET on the same path: `callback` reads the path before the method. */
  readonly get: HttpAnswer;
}

/** Calls like Wiro, with a signature that is certainly wrong: nothing changes. */
export async function callBack(
  base: string,
  deployment: string,
  signal: AbortSignal,
): Promise<CallbackAnswers> {
  const url = `${base.replace(/\/+$/, '')}/${deployment}/${'a'.repeat(26)}/1/${'0'.repeat(64)}`;
  const headers = { 'content-type': 'application/json' };
  const [post, get] = await Promise.all([
    send(url, { method: 'POST', headers, body: '{}', signal }),
    send(url, { method: 'GET', signal }),
  ]);
  return { post, get };
}

export function judgeCallback({ post, get }: CallbackAnswers): Judgement {
  const is = (answer: HttpAnswer, status: number, text: string) =>
    answer.status === status && answer.text.trim() === text;
  if (is(get, 403, 'forged'))
    return wrong(
      'the way to callback changes the path of a callback',
      'Let the proxy pass the path on whole, or remove only its own beginning of it.',
    );
  if (is(post, 403, 'forged')) return ok('reached, and it refuses a wrong signature');
  if (is(post, 405, 'POST only'))
    return wrong(
      'the way to callback turns POST into GET',
      'Let the proxy pass POST on, without a redirect.',
    );
  if (is(post, 503, 'try again'))
    return wrong(
      'callback cannot read its secrets',
      'Run setup for the stack; then read the log of callback.',
    );
  const { status } = post;
  if (status >= 300 && status < 400)
    return wrong(`it redirects (${status})`, 'Set callbackBaseUrl to where it leads: Wiro need not follow.');
  if (status === 401 || status === 403)
    return wrong(
      `something before callback asks for credentials or blocks (${status}), and Wiro sends none`,
      'Let POST through without signing in; on the Function URL, its auth type must be NONE: deploy again.',
    );
  if (status === 404)
    return wrong(
      'nothing is at this address (404)',
      'Correct callbackBaseUrl, or the route of the proxy to callback.',
    );
  if (status === 429)
    return wrong('Lambda throttles callback (429)', 'Raise the concurrency: see docs/operations.md.');
  return wrong(
    `not answered by callback but by something else (${status})`,
    'Let the proxy pass everything to callback.',
  );
}

const LOCAL =
  /^(?:localhost|.*\.local(?:host)?|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*|169\.254\..*|\[::1\]|\[f[cd].*)$/i;

/** Whether only this machine or its network reaches an address. */
export const isPrivate = (url: string): boolean => URL.canParse(url) && LOCAL.test(new URL(url).hostname);

/** @returns What is wrong with the address itself. */
export function judgeCallbackAddress(base: string, wiroApiUrl: string): Judgement | undefined {
  if (!URL.canParse(base))
    return wrong('callbackBaseUrl is not a URL', 'Correct callbackBaseUrl and deploy again.');
  if (isPrivate(base) && !isPrivate(wiroApiUrl))
    return wrong(
      `Wiro cannot reach ${new URL(base).host}, which is an address of this machine or network`,
      'Set callbackBaseUrl to a public address, such as a tunnel.',
    );
  return undefined;
}

/** Without a proxy, both addresses are one. */
export const judgeNoProxy = (): Judgement =>
  unchecked('no callbackBaseUrl is set: Wiro calls the Function URL itself');

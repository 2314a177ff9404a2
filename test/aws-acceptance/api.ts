import type { GenerationRecord } from '../../functions/api/record.ts';
import type { Account } from './account.ts';
import type { Answer, Send } from './send.ts';
import { sign } from './sign.ts';

export interface GenerationRequestBody {
  readonly model: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
  readonly idempotencyKey?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The deployed API, called as an application would: by requests signed with Signature Version 4. */
export interface Api {
  readonly url: string;
  call(method: string, path: string, body?: string | Buffer): Promise<ApiAnswer>;
  /** @throws When it is not accepted. */
  submit(request: GenerationRequestBody): Promise<GenerationRecord>;
  read(id: string): Promise<GenerationRecord>;
}

/** @param url - Of the stack's `ApiUrl`. */
export function createApi(account: Account, send: Send, url: string): Api {
  const base = url.replace(/\/+$/, '');
  const call: Api['call'] = async (method, path, body) => {
    const headers = { 'content-type': 'application/json' };
    const request = { method, url: base + path, headers, ...(body !== undefined && { body }) };
    return readAnswer(await send(await sign(account, 'lambda', request)));
  };
  const wanted = async (status: number, ...request: Parameters<Api['call']>) => {
    const answer = await call(...request);
    if (answer.status !== status)
      throw new Error(
        `${request[0]} ${request[1]} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
      );
    return answer.body as GenerationRecord;
  };
  return {
    url: base,
    call,
    submit: (request) => wanted(202, 'POST', '/generations', JSON.stringify(request)),
    read: (id) => wanted(200, 'GET', `/generations/${id}`),
  };
}

export function readAnswer({ status, body }: Answer): ApiAnswer {
  const text = body.toString('utf8');
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    return { status, body: text };
  }
}

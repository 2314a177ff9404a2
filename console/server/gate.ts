import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Caller, findForeign, findRefusal, isSame, type Refusal } from './find-refusal.ts';
import { sayNo } from './relay-file.ts';

/** Lets in the browsers that opened the printed link. */
export interface Gate {
  /** The token of the printed link. */
  readonly token: string;
  findRefusal(request: IncomingMessage): Refusal | undefined;
  /** Like `findRefusal`, for a request that brings a token instead of a session. */
  findForeign(request: IncomingMessage): Refusal | undefined;
  /** Exchanges the token for a cookie that no script can read, and no other site's request carries. */
  open(response: ServerResponse, given: string): void;
}

export function createGate(port: number): Gate {
  const token = randomBytes(24).toString('base64url');
  const session = randomBytes(24).toString('base64url');
  // Cookies do not tell ports apart.
  const cookie = `wiro-console-${port}`;

  function callerOf({ method = 'GET', headers }: IncomingMessage): Caller {
    const cookies = (headers.cookie ?? '').split(/; */).map((pair) => pair.split('='));
    return {
      method,
      host: headers.host,
      origin: headers.origin,
      site: headers['sec-fetch-site']?.toString(),
      session: cookies.find(([name]) => name === cookie)?.[1],
    };
  }

  return {
    token,
    findRefusal: (request) => findRefusal(callerOf(request), { port, session }),
    findForeign: (request) => findForeign(callerOf(request), port),
    open: (response, given) => {
      if (!isSame(given, token)) {
        sayNo(response, 401, 'This link is of an earlier start: open the one that the console printed last.');
        return;
      }
      const headers = {
        location: '/',
        'set-cookie': `${cookie}=${session}; Path=/; HttpOnly; SameSite=Strict`,
        'cache-control': 'no-store',
      };
      response.writeHead(303, headers).end();
    },
  };
}

import { timingSafeEqual } from 'node:crypto';

/** What a request says about its sender. */
export interface Caller {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, which every current browser sends and no page can change. */
  readonly site: string | undefined;
  /** The session that its cookie carries. */
  readonly session: string | undefined;
}

export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly reason: string;
}

/**
 * Decides who may use the server: pages that it served itself, in a browser that opened the printed link. Any page in
 * the developer's browser can send requests to the loopback address, also under a name of its own that it lets resolve
 * to it.
 */
export function findRefusal(
  caller: Caller,
  { port, session }: { readonly port: number; readonly session: string },
): Refusal | undefined {
  return findForeign(caller, port) ?? (isSame(caller.session, session) ? undefined : NO_SESSION);
}

const NO_SESSION: Refusal = {
  status: 401,
  reason: 'Open the link that the console printed last: it holds the key to this session.',
};

const FOREIGN_PAGE: Refusal = {
  status: 403,
  reason: 'Another page may not use the console. If you followed a link there, copy it into the address bar.',
};

/** Like {@link findRefusal}, for a request that brings the token of the printed link instead of a session. */
export function findForeign({ method, host, origin, site }: Caller, port: number): Refusal | undefined {
  // A name that was made to resolve to this machine (DNS rebinding) stands in Host.
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`)
    return { status: 421, reason: `Use the address http://127.0.0.1:${port}.` };
  if (origin !== undefined && origin !== `http://${host}`) return FOREIGN_PAGE;
  if (origin === undefined && method !== 'GET' && method !== 'HEAD')
    return { status: 403, reason: 'A request that changes something must name its Origin.' };
  // Other ports of this machine are the same site, and their pages get its cookies.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return FOREIGN_PAGE;
  return undefined;
}

/** Compares secrets in constant time. */
export function isSame(given: string | undefined, expected: string): boolean {
  const one = Buffer.from(given ?? '');
  const other = Buffer.from(expected);
  return one.length === other.length && timingSafeEqual(one, other);
}

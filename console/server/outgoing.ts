import { lookup as resolve } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { isPrivateAddress } from '../../functions/outputs/private-address.ts';

export interface Outgoing {
  readonly method: 'GET' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: IncomingMessage;
  /** Only connects to addresses of the public Internet. */
  readonly isPublicOnly?: boolean;
  readonly signal: AbortSignal;
}

/** Without a byte for this long, the other side is dead. */
const SILENCE_MS = 30_000;

/** Sends one request. Redirects are not followed: they would lead anywhere. */
export async function send(
  url: string,
  { method, headers, body, isPublicOnly, signal }: Outgoing,
): Promise<IncomingMessage> {
  const target = new URL(url);
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  // An address instead of a name is not looked up.
  if (isPublicOnly && /^[\d.]+$|^\[/.test(target.hostname) && isPrivateAddress(bare(target.hostname)))
    throw new Error(`${target.hostname} is not a public address`);
  const outgoing = request(target, {
    method,
    headers,
    signal,
    ...(isPublicOnly && { lookup: lookUpPublic }),
  });
  outgoing.setTimeout(SILENCE_MS, () => outgoing.destroy(new Error('the other side is silent')));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
  if (body) await Promise.race([pipeline(body, outgoing), answered]);
  else outgoing.end();
  return answered;
}

const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, '');

/** Checks the address that the connection then uses, so that a name cannot change in between. */
const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const open = addresses.filter(({ address }) => !isPrivateAddress(address));
    const [first] = open;
    if (first === undefined) return callback(new Error(`${hostname} has no public address`), []);
    return options.all ? callback(null, open) : callback(null, first.address, first.family);
  });
};

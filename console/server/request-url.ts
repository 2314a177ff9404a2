import type { IncomingMessage } from 'node:http';

/** @returns Nothing for what is no address: any program of this machine can send that. */
export function urlOf({ url = '/' }: IncomingMessage): URL | undefined {
  const path = url.replace(/^\/+/, '/');
  return URL.canParse(path, 'http://console') ? new URL(path, 'http://console') : undefined;
}

/** The decoded parts of a path. None if one cannot be decoded. */
export function partsOf(pathname: string): readonly string[] {
  try {
    return pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return [];
  }
}

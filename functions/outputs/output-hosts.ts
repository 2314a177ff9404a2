import { isIP } from 'node:net';
import { isLoopbackAddress, isPrivateAddress } from './private-address.ts';

/** Where outputs may come from. */
export type OutputHost =
  /** The host and its subdomains, over https on its usual port. */
  | { readonly kind: 'domain'; readonly host: string }
  /** This host on this port alone, which may be plain http and this machine: for simulators. */
  | { readonly kind: 'exact'; readonly host: string; readonly port: string };

export type OutputUrlCheck =
  /** `mayBeLoopback`: the host was named with its port, so its address may be this machine's. */
  | { readonly kind: 'allowed'; readonly url: URL; readonly mayBeLoopback: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Reads `WIRO_OUTPUT_HOSTS`: `host` or `host:port`, comma-separated.
 * @throws {Error} When an entry is neither, or would open more than its writer can have meant.
 */
export function parseOutputHosts(setting: string): readonly OutputHost[] {
  const entries = setting.split(',').map((entry) => entry.trim());
  const hosts = entries.filter((entry) => entry !== '').map(parseOutputHost);
  if (hosts.length === 0) throw new Error('WIRO_OUTPUT_HOSTS names no host: no output could be fetched');
  return hosts;
}

function parseOutputHost(entry: string): OutputHost {
  const { name = '', port } = /^(?<name>.*?)(?::(?<port>\d{1,5}))?$/.exec(entry)?.groups ?? {};
  const url = /[\s/\\?#@*]/.test(name) ? null : URL.parse(`https://${name}`);
  const host = url && url.port === '' ? plainHost(url) : '';
  if (host === '' || (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535)))
    throw new Error(`WIRO_OUTPUT_HOSTS: "${entry}" is neither a host nor host:port`);
  if (port !== undefined) return { kind: 'exact', host, port: String(Number(port)) };
  if (!host.includes('.') && isIP(host) === 0)
    throw new Error(`WIRO_OUTPUT_HOSTS: "${entry}" needs a port, or a domain with a dot`);
  return { kind: 'domain', host };
}

/** Whether an output may be fetched from there. What its name resolves to is checked when connecting. */
export function checkOutputUrl(text: string, hosts: readonly OutputHost[]): OutputUrlCheck {
  const url = URL.parse(text.startsWith('//') ? `https:${text}` : text);
  if (!url) return refused('it is not a URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refused('it is not https');
  if (url.username !== '' || url.password !== '') return refused('it carries credentials');

  const host = plainHost(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const entry =
    hosts.find((known) => known.kind === 'exact' && known.host === host && known.port === port) ??
    hosts.find(
      (known) => known.kind === 'domain' && (known.host === host || host.endsWith(`.${known.host}`)),
    );
  if (!entry) return refused(`${host}:${port} is not among the output hosts`);
  const mayBeLoopback = entry.kind === 'exact';
  // Whoever serves the one serves the other; plain http is never spoken with a public host.
  if (!mayBeLoopback && url.protocol === 'http:' && port === '80') url.protocol = 'https:';
  else if (!mayBeLoopback && (url.protocol !== 'https:' || port !== '443'))
    return refused('only https on port 443 is allowed there');
  if (isIP(host) !== 0 && !isAllowedAddress(host, mayBeLoopback))
    return refused(`${host} is a private address`);

  url.hash = '';
  if (url.hostname.endsWith('.')) url.hostname = host;
  return { kind: 'allowed', url, mayBeLoopback };
}

/** Whether a connection to an address may be opened for a host of the list. */
export function isAllowedAddress(address: string, mayBeLoopback: boolean): boolean {
  return !isPrivateAddress(address) || (mayBeLoopback && isLoopbackAddress(address));
}

/** WHATWG has lowered its case, made IDN and every spelling of an IPv4 address one; brackets and the root's dot go. */
function plainHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

function refused(reason: string): OutputUrlCheck {
  return { kind: 'refused', reason };
}

import { isIP } from 'node:net';
import { isLoopbackAddress, isPrivateAddress } from './private-address.ts';

/** A host that outputs may come from. */
export type OutputHost =
  /** The host and its subdomains, over https on port 443. */
  | { readonly kind: 'domain'; readonly host: string }
  /** Only this host on this port. It may be plain http and this machine, for simulators. */
  | { readonly kind: 'exact'; readonly host: string; readonly port: string };

export type OutputUrlCheck =
  /** `mayBeLoopback`: the setting names the host with its port, so its address may be this machine. */
  | { readonly kind: 'allowed'; readonly url: URL; readonly mayBeLoopback: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Reads `WIRO_OUTPUT_HOSTS`: `host` or `host:port`, comma-separated.
 * @throws {Error} If an entry is neither, or would allow a whole top-level domain.
 */
export function parseOutputHosts(setting: string): readonly OutputHost[] {
  const entries = setting.split(',').map((entry) => entry.trim());
  const hosts = entries.filter((entry) => entry !== '').map(parseOutputHost);
  if (hosts.length === 0) throw new Error('WIRO_OUTPUT_HOSTS names no host, so no output could be fetched');
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

/** Checks whether an output may be fetched from a URL. The connector checks the addresses of its host. */
export function checkOutputUrl(text: string, hosts: readonly OutputHost[]): OutputUrlCheck {
  const url = URL.parse(text.startsWith('//') ? `https:${text}` : text);
  if (!url) return refuse('it is not a URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('it is not https');
  if (url.username !== '' || url.password !== '') return refuse('it carries credentials');

  const host = plainHost(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const entry =
    hosts.find((one) => one.kind === 'exact' && one.host === host && one.port === port) ??
    hosts.find((one) => one.kind === 'domain' && (one.host === host || host.endsWith(`.${one.host}`)));
  if (!entry) return refuse(`${host}:${port} is not among the output hosts`);
  const mayBeLoopback = entry.kind === 'exact';
  // A host that serves http serves https too. Plain http is never used with a public host.
  if (!mayBeLoopback && url.protocol === 'http:' && port === '80') url.protocol = 'https:';
  else if (!mayBeLoopback && (url.protocol !== 'https:' || port !== '443'))
    return refuse('only https on port 443 is allowed there');
  if (isIP(host) !== 0 && !isAllowedAddress(host, mayBeLoopback))
    return refuse(`${host} is a private address`);

  url.hash = '';
  if (url.hostname.endsWith('.')) url.hostname = host;
  return { kind: 'allowed', url, mayBeLoopback };
}

/** Whether a connection may go to this address. */
export function isAllowedAddress(address: string, mayBeLoopback: boolean): boolean {
  return !isPrivateAddress(address) || (mayBeLoopback && isLoopbackAddress(address));
}

/**
 * Returns the host in one spelling. The URL parser lowers its case and normalizes IDN and IPv4 addresses. This removes
 * brackets and the root's dot.
 */
function plainHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

function refuse(reason: string): OutputUrlCheck {
  return { kind: 'refused', reason };
}

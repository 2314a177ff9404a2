import { lookup as lookupDns } from 'node:dns';
import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';
import { OutputRefusedError } from './errors.ts';
import { isAllowedAddress, type OutputHost } from './output-hosts.ts';

export interface OutputConnectorDeps {
  readonly hosts: readonly OutputHost[];
  /** From the look-up of the name until the connection can be used. */
  readonly connectMs: number;
  /** Resolves a name to all its addresses. @default - the system's resolver */
  readonly lookup?: LookupFunction;
  /** Further certificate authorities, as PEM. @default - none besides those that Node trusts */
  readonly ca?: string;
  /** Receives what a connection brings. A connector with it serves one connection. @default - a stream */
  readonly onread?: OnReadOpts;
}

/**
 * Opens connections to output hosts, to checked addresses only. The name is resolved once, so that the connection goes to
 * an address that was checked. TLS still checks the name. undici takes it, too. A cold start does not wait for undici's
 * own connector, which takes longer to load than to connect.
 */
export function createOutputConnector({
  hosts,
  connectMs,
  lookup = lookupDns as LookupFunction,
  ca,
  onread,
}: OutputConnectorDeps): buildConnector.connector {
  function open(host: string, port: string, isTls: boolean, mayBeLoopback: boolean): Socket {
    const options = {
      host,
      port: Number(port),
      lookup: checkedLookup(lookup, mayBeLoopback),
      ...(onread === undefined ? {} : { onread }),
    };
    if (!isTls) return connectTcp(options);
    return connectTls({
      ...options,
      // A certificate may be for an address, but TLS has no server name for one.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      ...(ca === undefined ? {} : { ca }),
    });
  }

  return ({ hostname: named, protocol, port: namedPort }, callback) => {
    // An address of IPv6 stands in brackets in a URL.
    const hostname = named.replace(/^\[|\]$/g, '');
    const isTls = protocol === 'https:';
    const port = namedPort || (isTls ? '443' : '80');
    const isExact = hosts.some((one) => one.kind === 'exact' && one.host === hostname && one.port === port);
    // An address in the URL needs no lookup, so it is checked here.
    if (isIP(hostname) !== 0 && !isAllowedAddress(hostname, isExact))
      return callback(privateAddress(hostname), null);
    const socket = open(hostname, port, isTls, isExact);
    const limit = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${connectMs} ms`));
    }, connectMs);
    let isSettled = false;
    function settle(tell: () => void): void {
      clearTimeout(limit);
      if (!isSettled) tell();
      isSettled = true;
    }
    socket
      .setNoDelay(true)
      .once(isTls ? 'secureConnect' : 'connect', () => settle(() => callback(null, socket)))
      // Later failures have their own listeners. Without this one, one that comes before them would end the process.
      .on('error', (error) => settle(() => callback(error, null)));
  };
}

function checkedLookup(lookup: LookupFunction, mayBeLoopback: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, answer) => {
      if (error) return callback(error, []);
      const addresses = typeof answer === 'string' ? [{ address: answer, family: isIP(answer) }] : answer;
      const [first] = addresses;
      // One private address among public ones is refused, too: chance decides which one the connection uses.
      if (!first || addresses.some(({ address }) => !isAllowedAddress(address, mayBeLoopback)))
        return callback(privateAddress(hostname), []);
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

function privateAddress(host: string): OutputRefusedError {
  return new OutputRefusedError(`Cannot fetch an output from ${host}: it leads to a private address`);
}

import { lookup as lookupDns } from 'node:dns';
import { isIP, type LookupFunction, type OnReadOpts } from 'node:net';
import type { buildConnector as undici } from 'undici';
import buildConnector from 'undici/lib/core/connect.js';
import { OutputRefusedError } from './errors.ts';
import { isAllowedAddress, type OutputHost } from './output-hosts.ts';

export interface OutputConnectorDeps {
  readonly hosts: readonly OutputHost[];
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
 * an address that was checked. TLS still checks the name.
 */
export function createOutputConnector({
  hosts,
  connectMs,
  lookup = lookupDns as LookupFunction,
  ca,
  onread,
}: OutputConnectorDeps): undici.connector {
  const connectorFor = (mayBeLoopback: boolean): undici.connector => {
    const options = {
      allowH2: false,
      timeout: connectMs,
      lookup: checkedLookup(lookup, mayBeLoopback),
      ...(ca === undefined ? {} : { ca }),
      ...(onread === undefined ? {} : { onread }),
    };
    return buildConnector(options as undici.BuildOptions);
  };
  const connectPublic = connectorFor(false);
  const connectExact = connectorFor(true);

  return (options, callback) => {
    const { hostname, protocol } = options;
    const port = options.port || (protocol === 'https:' ? '443' : '80');
    const isExact = hosts.some((one) => one.kind === 'exact' && one.host === hostname && one.port === port);
    // An address in the URL needs no lookup, so it is checked here.
    if (isIP(hostname) !== 0 && !isAllowedAddress(hostname, isExact))
      return callback(privateAddress(hostname), null);
    return (isExact ? connectExact : connectPublic)(options, callback);
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

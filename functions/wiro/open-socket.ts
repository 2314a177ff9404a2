import net from 'node:net';
import tls from 'node:tls';

export interface SocketTarget {
  readonly protocol: string;
  readonly hostname: string;
  /** `''` for the protocol's own. */
  readonly port: string;
}

/** The latest TLS session by host: a new connection that resumes it is established sooner. */
const sessions = new Map<string, Buffer>();

/**
 * Opens a connection for HTTP/1.1.
 * @param onOpen - Called once connected and, for `https:`, after the server's certificate was found valid.
 * Errors come as the socket's `error` event.
 */
export function openSocket({ protocol, hostname, port }: SocketTarget, onOpen: () => void): net.Socket {
  if (protocol !== 'https:') {
    const socket = net.connect({ host: hostname, port: Number(port || 80), noDelay: true });
    return socket.once('connect', onOpen);
  }
  const authority = `${hostname}:${port}`;
  const session = sessions.get(authority);
  const socket = tls.connect({
    host: hostname,
    port: Number(port || 443),
    ALPNProtocols: ['http/1.1'],
    ...(net.isIP(hostname) === 0 && { servername: hostname }),
    ...(session && { session }),
  });
  return socket
    .setNoDelay(true)
    .on('session', (latest) => sessions.set(authority, latest))
    .once('secureConnect', onOpen);
}

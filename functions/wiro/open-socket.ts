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
    return hearingToTheEnd(socket).once('connect', onOpen);
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
  return hearingToTheEnd(socket)
    .setNoDelay(true)
    .on('session', (latest) => sessions.set(authority, latest))
    .once('secureConnect', onOpen);
}

/** What has come already is read in an instant. */
const HEARING_MS = 1_000;

/**
 * Reads what the other side has said before it hung up. A gateway that answers 502 and closes while a file is being sent
 * makes the next write fail; Node would then destroy the socket at once, with the answer unread. So a failure of a write
 * is told a little later: it is no news once reading has come to the end.
 */
function hearingToTheEnd<S extends net.Socket>(socket: S): S {
  const later = (done: (error?: Error | null) => void) => (error?: Error | null) => {
    if (!error) return done(error);
    const over = setTimeout(() => done(error), HEARING_MS);
    socket.once('close', () => clearTimeout(over));
  };
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, later(done));
  if (writev) socket._writev = (chunks, done) => writev(chunks, later(done));
  return socket;
}

import net from 'node:net';
import tls from 'node:tls';

/** The latest TLS session by host and port. Resuming it makes the next handshake faster. */
const sessions = new Map<string, Buffer>();

/**
 * Opens a connection for HTTP/1.1. The socket's `error` event reports failures.
 * @param onOpen - Called once the connection is open and, for `https:`, the server's certificate is verified.
 */
export function openSocket(
  { protocol, hostname: host, port }: Pick<URL, 'protocol' | 'hostname' | 'port'>,
  onOpen: () => void,
): net.Socket {
  // An address of IPv6 stands in brackets in a URL.
  const hostname = host.replace(/^\[|\]$/g, '');
  if (protocol !== 'https:') {
    const socket = net.connect({ host: hostname, port: Number(port || 80), noDelay: true });
    return delayWriteErrors(socket).once('connect', onOpen);
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
  return delayWriteErrors(socket)
    .setNoDelay(true)
    .on('session', (latest) => sessions.set(authority, latest))
    .once('secureConnect', onOpen);
}

/** Long enough to read data that has already arrived. */
const WRITE_ERROR_DELAY_MS = 1_000;

/**
 * Delays write errors so that an early answer can still be read. A gateway may answer 502 and close the connection
 * while a file is being sent. The next write then fails, and Node would destroy the socket with the answer unread.
 * If the socket closes within the delay, the write error is dropped.
 */
function delayWriteErrors<S extends net.Socket>(socket: S): S {
  const later = (done: (error?: Error | null) => void) => (error?: Error | null) => {
    if (!error) return done(error);
    const timer = setTimeout(() => done(error), WRITE_ERROR_DELAY_MS);
    socket.once('close', () => clearTimeout(timer));
  };
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, later(done));
  if (writev) socket._writev = (chunks, done) => writev(chunks, later(done));
  return socket;
}

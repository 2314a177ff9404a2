import type { OnReadOpts } from 'node:net';

/** A range of one version of an output, and where its bytes go. */
export interface RangeToReceive {
  readonly start: number;
  /** A strong ETag. */
  readonly etag: string;
  /** The size of the whole output. */
  readonly sizeBytes: number;
  /** As long as the range. */
  readonly into: Buffer;
}

/**
 * `whole`: the buffer is full. `cutOff`: the connection broke or stalled after `filled` bytes. `otherwise`: the answer is
 * not a plain one, and nothing was read.
 */
export type Received =
  | { readonly kind: 'whole' }
  | { readonly kind: 'cutOff'; readonly filled: number; readonly error: Error }
  | { readonly kind: 'otherwise' };

/** Receives the answers of one connection, one after the other. */
export interface RangeReceiver {
  /** For the socket: where it writes what comes, and whom it tells. */
  readonly onread: OnReadOpts;
  /** Expects the answer to a request that is about to be sent. Resolves once nothing is written into the buffer any more. */
  receive(range: RangeToReceive): Promise<Received>;
  /** Ends what is being received. The caller closes the connection. */
  fail(error: Error): void;
  /** What has come of the current body; `undefined` while its head is missing. */
  received(): number | undefined;
}

/** An answer's head may be this long. Node's limit. */
const MOST_HEAD_BYTES = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';

/** @param close - Closes the connection: it brought what was not asked for, or what is not understood here. */
export function createRangeReceiver(close: () => void): RangeReceiver {
  const head = Buffer.alloc(MOST_HEAD_BYTES);
  let headBytes = 0;
  /** Of the body, once the head is read. */
  let filled: number | undefined;
  let current: { readonly range: RangeToReceive; readonly resolve: (end: Received) => void } | undefined;

  function settle(end: Received): void {
    const ended = current;
    current = undefined;
    headBytes = 0;
    filled = undefined;
    if (end.kind !== 'whole') close();
    ended?.resolve(end);
  }

  /** Takes what came into the head's buffer. The first bytes of the body may be among it. */
  function takeHead({ into, ...wanted }: RangeToReceive, bytes: number): void {
    const searchedFrom = Math.max(0, headBytes - END_OF_HEAD.length + 1);
    headBytes += bytes;
    const end = head.subarray(0, headBytes).indexOf(END_OF_HEAD, searchedFrom);
    if (end === -1) {
      if (headBytes === head.length) settle({ kind: 'otherwise' });
      return;
    }
    const body = head.subarray(end + END_OF_HEAD.length, headBytes);
    const isPlain = isPlainAnswer(head.toString('latin1', 0, end), wanted, into.length);
    if (isPlain && body.length <= into.length) {
      body.copy(into);
      filled = body.length;
    } else settle({ kind: 'otherwise' });
  }

  return {
    onread: {
      buffer: () =>
        current === undefined || filled === undefined
          ? head.subarray(headBytes)
          : current.range.into.subarray(filled),
      callback(bytes) {
        if (current === undefined) close();
        else {
          if (filled === undefined) takeHead(current.range, bytes);
          else filled += bytes;
          if (filled === current?.range.into.length) settle({ kind: 'whole' });
        }
        return true;
      },
    },

    receive(range) {
      const { promise, resolve } = Promise.withResolvers<Received>();
      current = { range, resolve };
      return promise;
    },

    fail: (error) => settle({ kind: 'cutOff', filled: filled ?? 0, error }),

    received: () => filled,
  };
}

/** Whether the answer is a 206 with just the range that was asked for, of the same version, and with nothing done to it. */
function isPlainAnswer(
  head: string,
  { start, etag, sizeBytes }: Omit<RangeToReceive, 'into'>,
  length: number,
): boolean {
  const [status = '', ...lines] = head.split('\r\n');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // A field that comes twice or is folded may mean two things.
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || (fields.has(name) && ONCE.has(name))) return false;
    fields.set(name, line.slice(colon + 1).trim());
  }
  return (
    /^HTTP\/1\.1 206(?: |$)/.test(status) &&
    fields.get('content-length') === String(length) &&
    fields.get('content-range') === `bytes ${start}-${start + length - 1}/${sizeBytes}` &&
    fields.get('etag') === etag &&
    !fields.has('transfer-encoding') &&
    !fields.has('content-encoding') &&
    fields.get('connection')?.toLowerCase() !== 'close'
  );
}

const ONCE: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'etag',
  'transfer-encoding',
]);

import type { OnReadOpts } from 'node:net';

/** A range of an output, and where its bytes go. */
export interface RangeToReceive {
  readonly start: number;
  /** The version that the range must be of. @default - whichever the host has */
  readonly version?: { readonly etag: string; readonly sizeBytes: number };
  /** As long as the range. Longer only if the output ends before. */
  readonly into: Buffer;
  /** Told once the first bytes are there: enough to see what they are, or all of them. */
  readonly onBegun?: (answer: PlainAnswer) => void;
}

/** What the head of a plain answer says. */
export interface PlainAnswer {
  /** How many bytes come. */
  readonly bytes: number;
  /** The size of the whole output. */
  readonly sizeBytes: number;
  /** A strong ETag. Only an answer that is the whole output may have none. */
  readonly etag?: string;
  readonly contentType?: string;
}

/** So many bytes show what an output is. */
export const TELLING_BYTES = 1024;

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
  let answer: PlainAnswer | undefined;
  let current: { readonly range: RangeToReceive; readonly resolve: (end: Received) => void } | undefined;

  function settle(end: Received): void {
    const ended = current;
    current = undefined;
    headBytes = 0;
    filled = undefined;
    answer = undefined;
    if (end.kind !== 'whole') close();
    ended?.resolve(end);
  }

  /** Takes what came into the head's buffer. The first bytes of the body may be among it. */
  function takeHead(wanted: RangeToReceive, bytes: number): void {
    const searchedFrom = Math.max(0, headBytes - END_OF_HEAD.length + 1);
    headBytes += bytes;
    const end = head.subarray(0, headBytes).indexOf(END_OF_HEAD, searchedFrom);
    if (end === -1) {
      if (headBytes === head.length) settle({ kind: 'otherwise' });
      return;
    }
    const body = head.subarray(end + END_OF_HEAD.length, headBytes);
    answer = readPlainAnswer(head.toString('latin1', 0, end), wanted);
    if (answer === undefined || body.length > answer.bytes) {
      settle({ kind: 'otherwise' });
      return;
    }
    body.copy(wanted.into);
    filled = body.length;
    if (filled >= Math.min(TELLING_BYTES, answer.bytes)) wanted.onBegun?.(answer);
  }

  /** Takes what came into the caller's buffer. */
  function takeBody({ onBegun }: RangeToReceive, before: number, bytes: number): void {
    filled = before + bytes;
    if (answer === undefined) return;
    const telling = Math.min(TELLING_BYTES, answer.bytes);
    if (before < telling && filled >= telling) onBegun?.(answer);
  }

  return {
    onread: {
      buffer: () =>
        current === undefined || filled === undefined
          ? head.subarray(headBytes)
          : current.range.into.subarray(filled, answer?.bytes),
      callback(bytes) {
        if (current === undefined) close();
        else {
          if (filled === undefined) takeHead(current.range, bytes);
          else takeBody(current.range, filled, bytes);
          if (answer !== undefined && filled === answer.bytes) settle({ kind: 'whole' });
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

/** Understands a 206 with just the range that was asked for, of that version, and with nothing done to it. */
function readPlainAnswer(
  head: string,
  { start, version, into }: Pick<RangeToReceive, 'start' | 'version' | 'into'>,
): PlainAnswer | undefined {
  const [status = '', ...lines] = head.split('\r\n');
  // A line that ends otherwise would hide the field after it.
  if ([status, ...lines].some((line) => CONTROL.test(line))) return undefined;
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // A field that comes twice or is folded may mean two things.
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || (fields.has(name) && ONCE.has(name))) return undefined;
    fields.set(name, line.slice(colon + 1).trim());
  }
  const [, size = ''] = /\/([1-9]\d{0,14})$/.exec(fields.get('content-range') ?? '') ?? [];
  const sizeBytes = Number(size);
  const bytes = Math.min(into.length, sizeBytes - start);
  const etag = fields.get('etag');
  const contentType = fields.get('content-type');
  const isOfVersion =
    version === undefined
      ? etag?.startsWith('"') || bytes === sizeBytes
      : etag === version.etag && sizeBytes === version.sizeBytes && bytes === into.length;
  const isPlain =
    /^HTTP\/1\.1 206(?: |$)/.test(status) &&
    isOfVersion &&
    bytes > 0 &&
    fields.get('content-length') === String(bytes) &&
    fields.get('content-range') === `bytes ${start}-${start + bytes - 1}/${sizeBytes}` &&
    !fields.has('transfer-encoding') &&
    !fields.has('content-encoding') &&
    fields.get('connection')?.toLowerCase() !== 'close';
  if (!isPlain) return undefined;
  return {
    bytes,
    sizeBytes,
    ...(etag?.startsWith('"') && { etag }),
    ...(contentType !== undefined && { contentType }),
  };
}

/** A control character. A tab is none, in a field. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;

const ONCE: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'transfer-encoding',
]);

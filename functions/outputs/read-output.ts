import { readDataUrl } from './data-url.ts';
import { decodeOutput } from './decode-output.ts';
import { OutputCutOffError, OutputRefusedError, OutputUnavailableError } from './errors.ts';
import type { OutputAnswer, OutputFetcher } from './fetch-output.ts';
import { type PlainAnswer, type Received, TELLING_BYTES } from './range-receiver.ts';

export interface OutputReaderDeps {
  readonly fetcher: Pick<OutputFetcher, 'fetch' | 'fetchInto'>;
  /** An output larger than this is refused. */
  readonly maxBytes: number;
  /** Waits before it replaces a broken connection. */
  readonly pause: (attempt: number, signal: AbortSignal) => Promise<void>;
}

export interface OutputToRead {
  readonly url: string;
  /** The size in Wiro's record. Needed only if the host's answer does not show where it ends. */
  readonly sizeBytes?: number;
  /** Decodes an encoded answer. Without it, an encoded answer counts as unavailable. */
  readonly decode?: boolean;
  readonly signal: AbortSignal;
}

/** Reads an output in parts. Each is as long as the buffer of the first one. */
export interface OutputReader {
  /** The host's header. */
  readonly contentType?: string;
  /** A strong ETag. */
  readonly etag?: string;
  /** How many bytes of the first part are there: enough to see what it is, or all of them. */
  readonly headBytes: number;
  /** Resolves to the length of the first part, once it is there. */
  readonly first: Promise<number>;
  /** Whether the first part is the whole output. Then it is there. */
  readonly isWhole: boolean;
  /**
   * Fills `into` with a part. The second part has index 1. The caller asks for parts in order, and may ask for several at
   * once. They arrive side by side if the host serves ranges of one version, or else one after the other.
   * @returns The number of bytes. Fewer than a whole part mean the end.
   */
  read(part: number, into: Buffer): Promise<number>;
  /** Closes the connection if it was not read to its end. */
  close(): void;
}

/** The version that all ranges must belong to. */
interface OutputVersion {
  readonly url: string;
  readonly etag: string;
  readonly sizeBytes: number;
  /** Whether its host has answered every range plainly so far. */
  isPlain: boolean;
}

/** After this many broken connections a part fails. */
const MAX_CUT_OFFS = 3;
/** The most requests for one part. A host may serve less than was asked for, but not byte by byte. */
const MAX_REQUESTS = 64;

/**
 * Starts to read an output. Requests its first part as a range, so that the answer shows whether ranges work. If they do,
 * other parts can be read before the first one is there.
 * @param first - Receives the first part. All parts but the last have its length. Nothing is written into it any more once
 *   this rejects.
 * @throws {OutputUnavailableError | OutputRefusedError} As the fetcher does, and if the output is too large.
 */
export async function openOutput(
  deps: OutputReaderDeps,
  output: OutputToRead,
  first: Buffer,
): Promise<OutputReader> {
  const { fetcher, pause } = deps;
  const { url, signal, decode = false } = output;
  if (/^data:/i.test(url)) return await readFirst(deps, output, first, answerOfData(url));
  const asked = { url, signal, isEncodedFine: decode };
  for (let cutOffs = 1; ; cutOffs += 1) {
    try {
      const plain = await openPlainly(deps, output, first);
      if (plain !== undefined) return plain;
      const answer = await fetcher
        .fetch({ ...asked, range: { start: 0, end: first.length - 1 } })
        .catch((error: unknown) => {
          // An empty file has no first byte to serve, and some hosts answer ranges wrongly.
          if (error instanceof OutputUnavailableError && (error.status === 416 || error.status === 206))
            return fetcher.fetch(asked);
          throw error;
        });
      return await readFirst(deps, output, first, answer);
    } catch (error) {
      // No byte was passed on yet, so the first part starts again.
      if (!(error instanceof OutputCutOffError) || cutOffs >= MAX_CUT_OFFS) throw error;
      await pause(cutOffs, signal);
    }
  }
}

/** Opens an output whose host answers plainly. @returns `undefined` at any other answer. */
async function openPlainly(
  deps: OutputReaderDeps,
  { url, signal }: OutputToRead,
  first: Buffer,
): Promise<OutputReader | undefined> {
  const begun = Promise.withResolvers<PlainAnswer>();
  const refusal = new AbortController();
  const receiving = deps.fetcher.fetchInto({
    url,
    start: 0,
    into: first,
    signal: AbortSignal.any([signal, refusal.signal]),
    onBegun: begun.resolve,
  });
  const answer = await Promise.race([begun.promise, receiving]);
  if ('kind' in answer) {
    if (answer.kind === 'cutOff') throw answer.error;
    return undefined;
  }
  const { bytes, sizeBytes, etag = '' } = answer;
  if (sizeBytes > deps.maxBytes) {
    refusal.abort();
    await receiving.catch(() => {});
    throw tooLarge(deps.maxBytes);
  }
  const received = receiving.then((end: Received) => {
    if (end.kind === 'cutOff') return { filled: end.filled, error: end.error };
    return { filled: bytes };
  });
  return readInRanges(deps, signal, { url, etag, sizeBytes, isPlain: true }, first, {
    ...answer,
    headBytes: Math.min(TELLING_BYTES, bytes),
    received,
  });
}

async function readFirst(
  deps: OutputReaderDeps,
  output: OutputToRead,
  first: Buffer,
  answer: OutputAnswer,
): Promise<OutputReader> {
  const { fetcher, maxBytes } = deps;
  if (answer.sizeBytes !== undefined && answer.sizeBytes > maxBytes) {
    answer.discard();
    throw tooLarge(maxBytes);
  }
  if (!answer.range) return readInOrder(deps, output, first, answer);
  const { url, etag, range, sizeBytes = 0 } = answer;
  const isAll = range.end + 1 === sizeBytes;
  if (!isAll && (etag === undefined || answer.codings.length > 0)) {
    // Without an ETag, nothing shows whether two ranges belong to one version. An encoded output is decoded from its start.
    answer.discard();
    const { url, signal, decode = false } = output;
    const whole = await fetcher.fetch({ url, signal, isEncodedFine: decode });
    return readInOrder(deps, output, first, whole);
  }
  if (answer.codings.length > 0) return readInOrder(deps, output, first, answer);
  const version = { url, etag: etag ?? '', sizeBytes, isPlain: etag !== undefined };
  const reading = startReading(answer, first);
  const headBytes = await reading.fill(TELLING_BYTES);
  const received = reading.fill().then(
    (filled) => ({ filled }),
    (error: unknown) => {
      if (!(error instanceof OutputCutOffError)) throw error;
      return { filled: reading.filled(), error };
    },
  );
  return readInRanges(deps, output.signal, version, first, { ...answer, headBytes, received });
}

/** What is known of the first range, which is still arriving. */
interface BegunRange extends Pick<PlainAnswer, 'etag' | 'contentType'> {
  readonly headBytes: number;
  /** How many bytes have come in the end, and why not all. */
  readonly received: Promise<{ readonly filled: number; readonly error?: Error }>;
}

async function readInRanges(
  deps: OutputReaderDeps,
  signal: AbortSignal,
  version: OutputVersion,
  first: Buffer,
  { headBytes, received, contentType, etag }: BegunRange,
): Promise<OutputReader> {
  const isWhole = version.sizeBytes <= first.length;
  const reading = received.then(async ({ filled, error }) => {
    // A small output starts again, because nothing was passed on yet.
    if (error !== undefined && isWhole) throw error;
    if (error !== undefined) await deps.pause(1, signal);
    return readRange(deps, version, signal, 0, first, filled);
  });
  reading.catch(() => {}); // whoever waits for it hears of it
  if (isWhole) await reading;
  return {
    headBytes: isWhole ? version.sizeBytes : headBytes,
    first: reading,
    isWhole,
    read: (part, into) => readRange(deps, version, signal, part, into),
    close: () => {},
    ...(contentType !== undefined && { contentType }),
    ...(etag !== undefined && { etag }),
  };
}

async function readInOrder(
  { maxBytes }: OutputReaderDeps,
  { sizeBytes: recordedBytes }: OutputToRead,
  first: Buffer,
  answer: OutputAnswer,
): Promise<OutputReader> {
  // A decoder finds the end by itself. The announced length is that of the encoded bytes.
  const isEncoded = answer.codings.length > 0;
  let isDelimited = answer.isDelimited || isEncoded;
  const onPlain = () => {
    isDelimited = answer.isDelimited;
  };
  const body = isEncoded ? decodeOutput(answer.body, answer.codings, onPlain) : answer.body;
  const announced = isEncoded ? undefined : answer.sizeBytes;
  const bytes = body[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  let isEnded = false;
  let received = 0;

  async function fill(into: Buffer): Promise<number> {
    let filled = 0;
    while (filled < into.length && !isEnded) {
      if (rest.length === 0) {
        const next = await bytes.next();
        if (next.done) isEnded = true;
        else rest = next.value;
      }
      const chunk = rest.subarray(0, into.length - filled);
      into.set(chunk, filled);
      filled += chunk.length;
      rest = rest.subarray(chunk.length);
    }
    received += filled;
    if (received > maxBytes) {
      answer.discard();
      throw tooLarge(maxBytes);
    }
    // A size that differs from the record is a difference. It is accepted only if a second read has the same result.
    if (isEnded && !isDelimited && !recordedBytes)
      throw new OutputUnavailableError(
        `Cannot fetch an output: the connection ended after ${received} bytes, and nothing says that this is all`,
      );
    return filled;
  }

  const firstBytes = await fill(first);
  let before: Promise<unknown> = Promise.resolve();
  return {
    headBytes: firstBytes,
    first: Promise.resolve(firstBytes),
    isWhole: firstBytes < first.length || firstBytes === announced,
    read(_part, into) {
      const filled = before.then(() => fill(into));
      before = filled;
      return filled;
    },
    close: () => answer.discard(),
    ...(answer.contentType === undefined ? {} : { contentType: answer.contentType }),
    ...(answer.etag === undefined ? {} : { etag: answer.etag }),
  };
}

/** @param alreadyFilled - How many bytes of the part `into` holds already. */
async function readRange(
  { fetcher, pause }: OutputReaderDeps,
  version: OutputVersion,
  signal: AbortSignal,
  part: number,
  into: Buffer,
  alreadyFilled = 0,
): Promise<number> {
  const { url, etag, sizeBytes } = version;
  const start = part * into.length;
  const length = Math.min(into.length, sizeBytes - start);
  let filled = alreadyFilled;
  let cutOffs = 0;
  for (let requests = 0; filled < length; requests += 1) {
    if (requests === MAX_REQUESTS)
      throw new OutputUnavailableError(
        'Cannot fetch an output: its host serves it in pieces that are too small',
      );
    try {
      if (version.isPlain) {
        const rest = into.subarray(filled, length);
        const received = await fetcher.fetchInto({
          url,
          version: { etag, sizeBytes },
          start: start + filled,
          into: rest,
          signal,
        });
        if (received.kind === 'whole') return length;
        if (received.kind === 'cutOff') {
          filled += received.filled;
          throw received.error;
        }
        version.isPlain = false;
      }
      const range = { start: start + filled, end: start + length - 1 };
      const answer = await fetcher.fetch({ url, signal, range, ifRange: etag });
      if (!answer.range || answer.etag !== etag || answer.sizeBytes !== sizeBytes) {
        answer.discard();
        throw new OutputUnavailableError('Cannot fetch an output: it changed while it was being read');
      }
      for await (const chunk of answer.body) {
        into.set(chunk, filled);
        filled += chunk.length;
      }
    } catch (error) {
      cutOffs += 1;
      if (!(error instanceof OutputCutOffError) || cutOffs === MAX_CUT_OFFS) throw error;
      await pause(cutOffs, signal);
    }
  }
  return filled;
}

/** Reads a body into a buffer in steps: until so many bytes are there, or all. */
function startReading({ body }: OutputAnswer, into: Buffer) {
  const chunks = body[Symbol.asyncIterator]();
  let filled = 0;
  let isEnded = false;
  return {
    filled: () => filled,
    async fill(bytes = Number.POSITIVE_INFINITY): Promise<number> {
      while (filled < bytes && !isEnded) {
        const next = await chunks.next();
        if (next.done) isEnded = true;
        else {
          into.set(next.value, filled);
          filled += next.value.length;
        }
      }
      return filled;
    },
  };
}

/** Answers with the content of a `data:` URL, without a request. Only a record may contain one, never a redirect. */
function answerOfData(url: string): OutputAnswer {
  const data = readDataUrl(url);
  if (!data) throw new OutputRefusedError('Cannot read an output: its data: URL is malformed');
  const { bytes, contentType } = data;
  return {
    url: '',
    sizeBytes: bytes.length,
    isDelimited: true,
    codings: [],
    body: (async function* () {
      yield bytes;
    })(),
    discard: () => {},
    ...(contentType === undefined ? {} : { contentType }),
  };
}

function tooLarge(maxBytes: number): OutputRefusedError {
  return new OutputRefusedError(`Cannot fetch an output: it is larger than ${maxBytes} bytes`);
}

import { readDataUrl } from './data-url.ts';
import { decodeOutput } from './decode-output.ts';
import { OutputCutOffError, OutputRefusedError, OutputUnavailableError } from './errors.ts';
import type { OutputAnswer, OutputFetcher } from './fetch-output.ts';

export interface OutputReaderDeps {
  readonly fetcher: Pick<OutputFetcher, 'fetch'>;
  /** An output larger than this is refused. */
  readonly maxBytes: number;
  /** Waits before a broken connection is replaced. */
  readonly pause: (attempt: number, signal: AbortSignal) => Promise<void>;
}

export interface OutputToRead {
  readonly url: string;
  /** What the record says: needed only where the host does not tell an end from a broken connection. */
  readonly sizeBytes?: number;
  /** Decodes what comes encoded, which otherwise counts as unavailable. */
  readonly decode?: boolean;
  readonly signal: AbortSignal;
}

/** An output that is being read in parts, each as long as the buffer of the first one. */
export interface OutputReader {
  /** What the host says. */
  readonly contentType?: string;
  /** A strong one. */
  readonly etag?: string;
  /** How many bytes of the first part were read. */
  readonly firstBytes: number;
  /** Whether the first part is all. */
  readonly isWhole: boolean;
  /**
   * Fills `into` with a part: the second is 1. Parts are asked for in their order, but several may be under
   * way; they come side by side where the host can serve ranges of one version, else one after the other.
   * @returns How many bytes; fewer than a part mean the end.
   */
  read(part: number, into: Buffer): Promise<number>;
  /** Closes the connection of what was not read. */
  close(): void;
}

/** What all ranges must be of. */
interface OutputVersion {
  readonly url: string;
  readonly etag: string;
  readonly sizeBytes: number;
}

/** With this many broken connections one part is given up. */
const MAX_CUT_OFFS = 3;
/** For one part: a host may serve less than was asked for, but not byte by byte. */
const MAX_REQUESTS = 64;

/**
 * Starts reading an output: asks for its first part as a range, so that the answer tells whether ranges work.
 * @param first - Receives the first part. Its length is the length of all parts but the last.
 * @throws {OutputUnavailableError | OutputRefusedError} As the fetcher does, and when it is too large.
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
      const answer = await fetcher
        .fetch({ ...asked, range: { start: 0, end: first.length - 1 } })
        .catch((error: unknown) => {
          // An empty file has no first byte to serve, and some hosts only pretend to know ranges.
          if (error instanceof OutputUnavailableError && (error.status === 416 || error.status === 206))
            return fetcher.fetch(asked);
          throw error;
        });
      return await readFirst(deps, output, first, answer);
    } catch (error) {
      // Nothing was passed on yet: the first part simply begins anew.
      if (!(error instanceof OutputCutOffError) || cutOffs >= MAX_CUT_OFFS) throw error;
      await pause(cutOffs, signal);
    }
  }
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
    // Nothing would tell whether two ranges are of one version; and what is encoded is decoded from its start.
    answer.discard();
    const { url, signal, decode = false } = output;
    const whole = await fetcher.fetch({ url, signal, isEncodedFine: decode });
    return readInOrder(deps, output, first, whole);
  }
  if (answer.codings.length > 0) return readInOrder(deps, output, first, answer);
  const version: OutputVersion = { url, etag: etag ?? '', sizeBytes };
  return {
    firstBytes: await readRange(deps, version, output.signal, 0, first, await readAll(answer, first)),
    isWhole: sizeBytes <= first.length,
    read: (part, into) => readRange(deps, version, output.signal, part, into),
    close: () => {},
    ...(answer.contentType === undefined ? {} : { contentType: answer.contentType }),
    ...(answer.etag === undefined ? {} : { etag: answer.etag }),
  };
}

async function readInOrder(
  { maxBytes }: OutputReaderDeps,
  { sizeBytes: recordedBytes }: OutputToRead,
  first: Buffer,
  answer: OutputAnswer,
): Promise<OutputReader> {
  // What a decoder ends with tells the end; the length that was announced is that of the encoded bytes.
  const isEncoded = answer.codings.length > 0;
  const body = isEncoded ? decodeOutput(answer.body, answer.codings) : answer.body;
  const isDelimited = answer.isDelimited || isEncoded;
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
      const taken = rest.subarray(0, into.length - filled);
      into.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
    }
    received += filled;
    if (received > maxBytes) {
      answer.discard();
      throw tooLarge(maxBytes);
    }
    // Another size than the record's counts as a difference: it is kept only if another read comes to the same.
    if (isEnded && !isDelimited && !recordedBytes)
      throw new OutputUnavailableError(
        `Cannot fetch an output: the connection ended after ${received} bytes, and nothing says that this is all`,
      );
    return filled;
  }

  const firstBytes = await fill(first);
  let before: Promise<unknown> = Promise.resolve();
  return {
    firstBytes,
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

/** @param alreadyFilled - How much of the part `into` holds. */
async function readRange(
  { fetcher, pause }: OutputReaderDeps,
  { url, etag, sizeBytes }: OutputVersion,
  signal: AbortSignal,
  part: number,
  into: Buffer,
  alreadyFilled = 0,
): Promise<number> {
  const start = part * into.length;
  const length = Math.min(into.length, sizeBytes - start);
  let filled = alreadyFilled;
  let cutOffs = 0;
  for (let requests = 0; filled < length; requests += 1) {
    if (requests === MAX_REQUESTS)
      throw new OutputUnavailableError('Cannot fetch an output: its host serves it in too small pieces');
    try {
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

async function readAll({ body }: OutputAnswer, into: Buffer): Promise<number> {
  let filled = 0;
  for await (const chunk of body) {
    into.set(chunk, filled);
    filled += chunk.length;
  }
  return filled;
}

/** An output that lies in its URL: nothing is fetched. Only a record may name one, a redirect may not. */
function answerOfData(url: string): OutputAnswer {
  const data = readDataUrl(url);
  if (!data) throw new OutputRefusedError('Cannot read an output: its data: URL is none');
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

import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { contentCodings } from './decode-output.ts';
import { OutputCutOffError, OutputRefusedError, OutputUnavailableError } from './errors.ts';
import { createOutputConnector, type OutputConnectorDeps } from './output-connector.ts';
import { checkOutputUrl, type OutputHost } from './output-hosts.ts';
import { createPlainRanges } from './plain-ranges.ts';
import type { RangeToReceive, Received } from './range-receiver.ts';

export interface OutputFetcherDeps extends Pick<OutputConnectorDeps, 'lookup' | 'ca'> {
  readonly hosts: readonly OutputHost[];
  readonly connectMs: number;
  readonly headersMs: number;
  /** How long a body may bring no bytes, or almost none. */
  readonly stallMs: number;
  /** A monotonic clock in milliseconds. @default - performance.now */
  readonly now?: () => number;
}

export interface ByteRange {
  readonly start: number;
  /** The last byte, inclusive, as in HTTP. */
  readonly end: number;
}

export interface OutputRequest {
  readonly url: string;
  readonly range?: ByteRange;
  /** The ETag that the range belongs to. If the version has changed, the host sends the whole. */
  readonly ifRange?: string;
  /** Accepts an encoded answer, although the request asks for identity. */
  readonly isEncodedFine?: boolean;
  readonly signal: AbortSignal;
}

export interface OutputAnswer {
  /** The URL after all redirects. */
  readonly url: string;
  /** The range that the host serves. Without it, `body` is the whole. */
  readonly range?: ByteRange;
  /** The size of the whole output. */
  readonly sizeBytes?: number;
  /** Whether the end of `body` can be told from a broken connection, by a length or chunks. */
  readonly isDelimited: boolean;
  /** A strong ETag: the same ETag means the same bytes. */
  readonly etag?: string;
  readonly contentType?: string;
  /** The content codings of `body`, its range and its size, in the order in which the host applied them. */
  readonly codings: readonly string[];
  /**
   * The bytes, exactly as many as announced.
   * @throws {OutputCutOffError} If the connection breaks, stalls or crawls.
   */
  readonly body: AsyncIterable<Uint8Array, void>;
  /** Closes the connection of a body that is not read to its end. */
  discard(): void;
}

export interface OutputRange extends RangeToReceive {
  readonly url: string;
  readonly signal: AbortSignal;
}

export interface OutputFetcher {
  /**
   * Requests an output, or a range of it.
   * @throws {OutputUnavailableError} If the host does not answer with the bytes.
   * @throws {OutputRefusedError} If the URL, a redirect or an address is not allowed.
   */
  fetch(request: OutputRequest): Promise<OutputAnswer>;
  /**
   * Reads a range straight into a buffer, if the host answers plainly. If it does not, it is not asked so again for some
   * minutes. Once this settles, nothing is written into the buffer any more.
   * @throws {OutputRefusedError} If the URL or its address is not allowed.
   */
  fetchInto(range: OutputRange): Promise<Received>;
  /** Closes all connections. */
  close(): Promise<void>;
}

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** A body that is slower than this for as long as a stall counts as stalled. */
const MIN_BYTES_PER_MS = 1;
/** For so long a host that does not answer plainly is asked only by the client that understands all answers. */
const OTHERWISE_MS = 10 * 60_000;
/** Connections for all ranges of several copies at once. */
const CONNECTIONS = 16;

/** Fetches outputs from allowed hosts only. */
export function createOutputFetcher(deps: OutputFetcherDeps): OutputFetcher {
  const { hosts, connectMs, headersMs, stallMs, now = () => performance.now() } = deps;
  let client: ReturnType<typeof loadClient> | undefined;

  /** Loads the client that understands all answers. Most hosts answer plainly. */
  async function loadClient() {
    const [{ default: request }, { default: Agent }] = await Promise.all([
      import('undici/lib/api/api-request.js'),
      import('undici/lib/dispatcher/agent.js'),
    ]);
    const agent = new Agent({
      connect: createOutputConnector(deps),
      connections: CONNECTIONS,
      headersTimeout: headersMs,
      bodyTimeout: stallMs,
    });
    return { agent, request };
  }

  /** When an origin that answered otherwise than plainly is asked plainly again. */
  const plainAgainAt = new Map<string, number>();
  const plainRanges = createPlainRanges({
    connectorFor: (onread) => createOutputConnector({ ...deps, onread }),
    headersMs,
    stallMs,
    minBytesPerMs: MIN_BYTES_PER_MS,
  });

  async function send(url: URL, { range, ifRange, signal }: OutputRequest): Promise<Dispatcher.ResponseData> {
    client ??= loadClient();
    const { agent, request } = await client;
    // undici's own limit starts again with every interim answer (103). A host could send those without end.
    const patience = new AbortController();
    const limitMs = connectMs + headersMs;
    const limit = setTimeout(() => patience.abort(new Error(`no answer came within ${limitMs} ms`)), limitMs);
    try {
      return await request.call(agent, {
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers: {
          accept: '*/*',
          // The host's bytes, unchanged.
          'accept-encoding': 'identity',
          'user-agent': 'wiro-serverless',
          ...(range ? { range: `bytes=${range.start}-${range.end}` } : {}),
          ...(ifRange === undefined ? {} : { 'if-range': ifRange }),
        },
        signal: AbortSignal.any([signal, patience.signal]),
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof OutputRefusedError) throw error;
      throw new OutputCutOffError(`Cannot fetch an output from ${url.host}: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      clearTimeout(limit);
    }
  }

  async function* readBody(
    url: URL,
    response: Dispatcher.ResponseData,
    length: number | undefined,
    signal: AbortSignal,
  ) {
    const cutOff = (why: string, cause?: unknown) =>
      new OutputCutOffError(`Cannot fetch an output from ${url.host}: ${why}`, { cause });
    const chunks = response.body[Symbol.asyncIterator]();
    let received = 0;
    let waitedMs = 0;
    let receivedMeanwhile = 0;
    try {
      for (;;) {
        const askedAt = now();
        const next: IteratorResult<Uint8Array, undefined> = await chunks.next();
        if (next.done) break;
        received += next.value.length;
        if (length !== undefined && received > length)
          throw cutOff(`more than the announced ${length} bytes came`);
        // Only the time spent waiting for the host counts. A slow reader does not.
        waitedMs += now() - askedAt;
        receivedMeanwhile += next.value.length;
        if (waitedMs >= stallMs) {
          if (receivedMeanwhile < waitedMs * MIN_BYTES_PER_MS)
            throw cutOff(`only ${receivedMeanwhile} bytes came in ${Math.round(waitedMs)} ms`);
          waitedMs = 0;
          receivedMeanwhile = 0;
        }
        yield next.value;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof OutputUnavailableError) throw error;
      throw cutOff(`after ${received} bytes: ${messageOf(error)}`, error);
    } finally {
      discard(response);
    }
    if (length !== undefined && received !== length)
      throw cutOff(`${received} of the announced ${length} bytes came`);
  }

  function answerOf(url: URL, response: Dispatcher.ResponseData, wanted: OutputRequest): OutputAnswer {
    const { statusCode: status, headers } = response;
    const unavailable = (why: string) =>
      new OutputUnavailableError(`Cannot fetch an output from ${url.host}: ${why}`, { status });
    if (status !== 200 && !(status === 206 && wanted.range)) throw unavailable(`the host answered ${status}`);
    const codings = contentCodings(textsOf(headers, 'content-encoding'));
    if (codings.length > 0 && !wanted.isEncodedFine)
      throw unavailable(`it came as "${codings.join(', ')}", though only "identity" was accepted`);
    const transfer = textOf(headers, 'transfer-encoding')?.trim().toLowerCase();
    if (transfer !== undefined && transfer !== 'chunked') throw unavailable('its transfer is encoded');

    const length = lengthOf(textOf(headers, 'content-length'));
    const etag = textOf(headers, 'etag');
    const contentType = textOf(headers, 'content-type');
    const partial = status === 206 ? partOf(textOf(headers, 'content-range')) : undefined;
    if (status === 206) {
      if (!partial || partial.start !== wanted.range?.start || !isWithin(partial, wanted.range))
        throw unavailable('the host answered another range than the one asked for');
      if (length !== undefined && length !== partial.end - partial.start + 1)
        throw unavailable('its length contradicts its range');
    }
    const expected = partial ? partial.end - partial.start + 1 : length;
    const sizeBytes = partial ? partial.sizeBytes : length;
    return {
      url: url.href,
      isDelimited: expected !== undefined || transfer === 'chunked',
      codings,
      body: readBody(url, response, expected, wanted.signal),
      discard: () => discard(response),
      ...(partial ? { range: { start: partial.start, end: partial.end } } : {}),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(etag?.startsWith('"') ? { etag } : {}),
      ...(contentType === undefined ? {} : { contentType }),
    };
  }

  return {
    async fetch(wanted) {
      let target = wanted.url;
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
        const check = checkOutputUrl(target, hosts);
        if (check.kind === 'refused')
          throw new OutputRefusedError(
            `Cannot fetch ${redirects === 0 ? 'an output' : 'the redirect of an output'}: ${check.reason}`,
          );
        const response = await send(check.url, wanted);
        const location = textOf(response.headers, 'location');
        const next = location === undefined ? null : URL.parse(location, check.url.href);
        if (!REDIRECTS.has(response.statusCode) || !next) {
          try {
            return answerOf(check.url, response, wanted);
          } catch (error) {
            discard(response);
            throw error;
          }
        }
        discard(response);
        target = next.href;
      }
      throw new OutputUnavailableError(
        `Cannot fetch an output: it redirects more than ${MAX_REDIRECTS} times`,
      );
    },

    async fetchInto({ url, ...range }) {
      const check = checkOutputUrl(url, hosts);
      if (check.kind === 'refused') throw new OutputRefusedError(`Cannot fetch an output: ${check.reason}`);
      const { origin } = check.url;
      if (now() < (plainAgainAt.get(origin) ?? 0)) return { kind: 'otherwise' };
      const received = await plainRanges.read({ ...range, url: check.url });
      range.signal.throwIfAborted();
      if (received.kind === 'otherwise') {
        for (const [one, at] of plainAgainAt) if (at <= now()) plainAgainAt.delete(one);
        plainAgainAt.set(origin, now() + OTHERWISE_MS);
      }
      if (received.kind !== 'cutOff') return received;
      const { filled, error } = received;
      if (error instanceof OutputRefusedError) throw error;
      const why = `after ${filled} bytes of a range: ${messageOf(error)}`;
      return {
        kind: 'cutOff',
        filled,
        error: new OutputCutOffError(`Cannot fetch an output from ${check.url.host}: ${why}`, {
          cause: error,
        }),
      };
    },

    async close() {
      plainRanges.close();
      await (await client)?.agent.destroy();
    },
  };
}

/** Closes the connection unless the body was read to its end. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {});
  body.destroy();
}

function partOf(contentRange: string | undefined): (ByteRange & { readonly sizeBytes: number }) | undefined {
  const [, start, end, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(contentRange ?? '') ?? [];
  if (start === undefined) return undefined;
  return { start: Number(start), end: Number(end), sizeBytes: Number(size) };
}

/** Whether a served range lies within the requested one. A host may serve less, never more. */
function isWithin(
  { end, sizeBytes }: ByteRange & { readonly sizeBytes: number },
  wanted: ByteRange,
): boolean {
  return end >= wanted.start && end <= wanted.end && end < sizeBytes;
}

function lengthOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** Joins the values of a header that may occur several times. */
function textsOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // If several addresses fail, Node leaves the message empty.
  return error.message || ('code' in error ? String(error.code) : error.name);
}

import type { Upload } from './api-types.ts';
import { pause } from './http.ts';

export interface PutOptions {
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
}

const TRIES = 4;
const FIRST_PAUSE_MS = 200;
/** As long as a link lives. */
const LIMIT_MS = 15 * 60_000;

/** Uploads a file to a presigned link. Safe to repeat: the same bytes replace themselves. */
export async function putUpload(upload: Upload, file: Blob, options: PutOptions = {}): Promise<void> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  for (let tries = 1; ; tries += 1) {
    const failure = await put(upload, file, { ...options, signal });
    if (failure === undefined) return;
    if (failure.isFinal || tries >= TRIES)
      throw new Error(`Cannot upload the file: ${failure.problem}.`, { cause: failure.cause });
    await pause(FIRST_PAUSE_MS * 2 ** (tries - 1), signal);
  }
}

interface Failure {
  readonly problem: string;
  /** Another try would fail the same way. */
  readonly isFinal: boolean;
  readonly cause?: unknown;
}

async function put(
  { url, method, headers }: Upload,
  file: Blob,
  { fetch: send = fetch, signal }: PutOptions,
): Promise<Failure | undefined> {
  // The runtime sets the length itself, and browsers forbid setting it.
  const { 'content-length': _, ...rest } = headers;
  try {
    const response = await send(url, { method, headers: rest, body: file, ...(signal && { signal }) });
    await response.arrayBuffer();
    if (response.ok) return undefined;
    return { problem: `S3 answered HTTP ${response.status}`, isFinal: response.status < 500 };
  } catch (cause) {
    signal?.throwIfAborted();
    return { problem: 'the connection to S3 broke', isFinal: false, cause };
  }
}

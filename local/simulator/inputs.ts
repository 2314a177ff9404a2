import type { FileStore } from './files.ts';
import { type StoredBytes, storeStream } from './stored-bytes.ts';

/** A fetched input file of a task. */
export interface TaskInput extends Pick<StoredBytes, 'sizeBytes' | 'sha256' | 'all'> {
  /** Removes a download. Does nothing for an upload. */
  readonly discard: () => Promise<void>;
}

export class InputUnavailableError extends Error {}

export interface FetchInputDeps {
  readonly files: Pick<FileStore, 'findByUrl'>;
  readonly fetch: typeof fetch;
  readonly directory: string;
  readonly stopped: AbortSignal;
}

const DOWNLOAD_LIMIT_MS = 30_000;
const DOWNLOAD_LIMIT_BYTES = 100 * 1024 * 1024;

/**
 * Fetches an input: from the store if it is an upload, otherwise by HTTP.
 * @throws {InputUnavailableError} If that fails. The message omits the URL's query, which may contain a signature.
 */
export async function fetchInput(
  { files, fetch, directory, stopped }: FetchInputDeps,
  url: string,
): Promise<TaskInput> {
  const own = files.findByUrl(url);
  if (own) return { ...own.bytes, discard: async () => {} };
  const name = url.replace(/[?#].*$/, '');
  if (!/^https?:\/\//i.test(url)) throw new InputUnavailableError(`Cannot download ${name}: not a URL`);
  try {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(DOWNLOAD_LIMIT_MS)]);
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new InputUnavailableError(`Cannot download ${name}: it answers ${response.status}`);
    }
    const bytes = await storeStream(toBuffers(response.body), directory, DOWNLOAD_LIMIT_BYTES);
    return { ...bytes, discard: bytes.remove };
  } catch (cause) {
    if (cause instanceof InputUnavailableError) throw cause;
    throw new InputUnavailableError(`Cannot download ${name}`, { cause });
  }
}

async function* toBuffers(body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of body) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { constants, copyFile, link, mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { ChecksumError, type Client, type Generation, type Output } from '../client/index.ts';
import { safeFileName } from '../functions/runtime/safe-file-name.ts';
import { CliError } from './errors.ts';
import { plain } from './text.ts';

export interface SaveOptions {
  /** Each generation gets a folder in it, named after its id. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** @default - the global `fetch` */
  readonly fetch?: typeof fetch;
  /** Called as bytes arrive. */
  readonly onBytes?: (output: Output, bytes: number) => void;
  /** The longest pause in a download, in milliseconds. @default 60_000 */
  readonly stallMs?: number;
}

export interface SavedFile {
  readonly path: string;
  readonly output: Output;
  /** Whether it was there already, with the same content. */
  readonly wasThere: boolean;
}

const TRIES = 3;

/**
 * Copies a generation's outputs into a folder of its own. Checks their SHA-256, and never replaces a file: a file of the
 * same content is kept, and another of the same name gets the new one beside it.
 * @returns The files, in the record's order.
 * @throws {CliError} If one cannot be read or written.
 */
export async function saveOutputs(
  client: Pick<Client, 'get'>,
  generation: Pick<Generation, 'id' | 'outputs'>,
  options: SaveOptions,
): Promise<readonly SavedFile[]> {
  const folder = path.join(options.directory, safeFileName(generation.id));
  const saved: SavedFile[] = [];
  const taken = new Set<string>();
  for (const [index, listed] of generation.outputs.entries()) {
    let output: Output = listed;
    for (let tries = 1; ; tries += 1) {
      try {
        const file = await save(output, folder, taken, options);
        taken.add(file.path);
        saved.push(file);
        break;
      } catch (error) {
        options.signal.throwIfAborted();
        if (tries >= TRIES || !isPassing(error))
          throw new CliError(`Cannot save ${plain(listed.name)} of ${generation.id}`, undefined, {
            cause: error,
          });
        // Its link may have expired.
        const { outputs } = await client.get(generation.id, { signal: options.signal });
        output = outputs[index] ?? output;
      }
    }
  }
  return saved;
}

/** Whether `saveOutputs` failed because of this machine's disk. The next download would fail, too. */
export const isOfDisk = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof Error && 'syscall' in error.cause;

class DownloadError extends Error {}

const isPassing = (error: unknown): boolean =>
  error instanceof DownloadError || error instanceof ChecksumError || error instanceof TypeError;

async function save(
  output: Output,
  folder: string,
  taken: ReadonlySet<string>,
  options: SaveOptions,
): Promise<SavedFile> {
  const there = await findSame(folder, output, taken);
  if (there !== undefined) return { path: there, output, wasThere: true };
  await mkdir(folder, { recursive: true });
  const partial = path.join(folder, `.${randomBytes(6).toString('hex')}.part`);
  try {
    await download(output, partial, options);
    for (const file of candidates(folder, output.name)) {
      if (taken.has(file)) continue;
      if (await place(partial, file)) return { path: file, output, wasThere: false };
    }
    throw new CliError(
      `${folder} holds too many files named like ${plain(output.name)}: use another directory.`,
    );
  } finally {
    await rm(partial, { force: true });
  }
}

/** Downloads into a new file. */
async function download(output: Output, file: string, options: SaveOptions): Promise<void> {
  const { fetch: send = fetch, signal, stallMs = 60_000, onBytes } = options;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(new DownloadError('no bytes came for a minute')), stallMs);
  const together = AbortSignal.any([signal, stalled.signal]);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const response = await send(output.url, { signal: together });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new DownloadError(`HTTP ${response.status}`);
    }
    const count = new Transform({
      transform(chunk: Buffer, _, done) {
        timer.refresh();
        hash.update(chunk);
        bytes += chunk.length;
        if (bytes > output.sizeBytes) {
          done(new DownloadError(`more than the ${output.sizeBytes} bytes of the record came`));
          return;
        }
        onBytes?.(output, bytes);
        done(undefined, chunk);
      },
    });
    await pipeline(
      Readable.fromWeb(response.body as ReadableStream),
      count,
      createWriteStream(file, { flags: 'wx' }),
      { signal: together },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw stalled.signal.aborted ? stalled.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
  const found = hash.digest('hex');
  if (found !== output.sha256)
    throw new ChecksumError(
      `${plain(output.name)} has the SHA-256 ${found}, but the record says ${output.sha256}.`,
    );
}

/** Gives a finished file its name, unless a file has it. */
async function place(partial: string, file: string): Promise<boolean> {
  try {
    await link(partial, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Not every file system has hard links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(String(code))) throw error;
  }
  try {
    await copyFile(partial, file, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Finds the output under one of its names. */
async function findSame(
  folder: string,
  { name, sizeBytes, sha256 }: Output,
  taken: ReadonlySet<string>,
): Promise<string | undefined> {
  for (const file of candidates(folder, name)) {
    if (taken.has(file)) continue;
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.isFile() && found.size === sizeBytes && (await sha256Of(file)) === sha256) return file;
  }
  return undefined;
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const MOST_NAMES = 1_000;
/** Windows opens a device for them, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|(?:com|lpt)[\d¹²³])(?:\.|$)/i;

/** The names that an output may get in a folder, the best first: `0.png`, `0-2.png`, `0-3.png`. */
function* candidates(folder: string, given: string): Generator<string, void, undefined> {
  const safe = safeFileName(given);
  const name = DEVICE.test(safe) ? `_${safe}` : safe;
  const { name: stem, ext } = path.parse(name);
  yield path.join(folder, name);
  for (let number = 2; number <= MOST_NAMES; number += 1) yield path.join(folder, `${stem}-${number}${ext}`);
}

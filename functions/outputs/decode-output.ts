import { pipeline, Readable, type Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { OutputRefusedError, OutputUnavailableError } from './errors.ts';

/** The registered content codings. Other words in the header (`UTF-8`, `base64`, `aws-chunked` …) are not codings. */
const CODINGS: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'br',
  zstd: 'zstd',
  compress: 'compress',
  'x-compress': 'compress',
  dcb: 'dcb',
  dcz: 'dcz',
  exi: 'exi',
  'pack200-gzip': 'pack200-gzip',
};
/** An output with more codings than this is refused. */
const MAX_CODINGS = 2;
/** Up to this size an output may grow by any factor. */
const FREE_BYTES = 64 * 1024 * 1024;
/** Beyond that size, it may grow by this factor. Images, videos and texts stay far below. Decompression bombs do not. */
const MAX_RATIO = 200;

/**
 * Returns the content codings in a `Content-Encoding` header, in the order in which the host applied them.
 * @see https://www.iana.org/assignments/http-parameters
 */
export function contentCodings(header: string | undefined): readonly string[] {
  const named = (header ?? '').toLowerCase().split(',');
  return named.map((name) => CODINGS[name.trim()]).filter((coding) => coding !== undefined);
}

/**
 * Undoes content codings while the bytes stream through.
 * @param onPlain - Told if the bytes are not encoded. They then come as they are, and no decoder notices if some are missing.
 * @throws {OutputUnavailableError} If the bytes are not in that coding, or end too early.
 * @throws {OutputRefusedError} If the bytes grow like a decompression bomb.
 */
export async function* decodeOutput(
  body: AsyncIterable<Uint8Array>,
  codings: readonly string[],
  onPlain: () => void = () => {},
): AsyncGenerator<Uint8Array, void> {
  let encodedBytes = 0;
  let decodedBytes = 0;
  const source = body[Symbol.asyncIterator]();
  const first = await source.next();
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = first; !next.done; next = await source.next()) {
        encodedBytes += next.value.length;
        yield next.value;
      }
    } finally {
      await source.return?.();
    }
  }
  if (codings.length > MAX_CODINGS) {
    await source.return?.();
    throw undecodable(codings, 'those are too many');
  }
  const head: Uint8Array = first.done ? new Uint8Array() : first.value;
  const [coding = ''] = codings;
  if (codings.length === 1 && !beginsAs(coding, head)) {
    // The header is wrong: the bytes are not encoded, and are the output.
    onPlain();
    yield* counted();
    return;
  }
  const decoders: Transform[] = [];
  try {
    for (const [index, coding] of codings.toReversed().entries())
      decoders.push(createDecoder(coding, index === 0 ? head : undefined));
  } catch (error) {
    await source.return?.();
    throw undecodable(codings, error instanceof Error ? error.message : 'it is unknown');
  }
  const last = decoders.at(-1);
  const stages = [Readable.from(counted(), { objectMode: false }), ...decoders];
  // A failure destroys every stage. That ends the loop below.
  if (last !== undefined) pipeline(stages, () => {});
  try {
    for await (const chunk of (last ?? stages[0]) as AsyncIterable<Uint8Array>) {
      decodedBytes += chunk.length;
      if (decodedBytes > FREE_BYTES && decodedBytes > encodedBytes * MAX_RATIO)
        throw new OutputRefusedError(
          `Cannot decode an output: ${encodedBytes} bytes become more than ${decodedBytes}`,
        );
      yield chunk;
    }
  } catch (error) {
    if (isOfZlib(error)) throw undecodable(codings, error.message);
    throw error;
  } finally {
    for (const stage of stages) stage.destroy();
  }
}

const MAGIC: Readonly<Record<string, readonly number[]>> = {
  gzip: [0x1f, 0x8b],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
};

/** Whether bytes may be in a coding, by their beginning. Too few bytes prove nothing, and return `true`. */
function beginsAs(coding: string, head: Uint8Array): boolean {
  const magic = MAGIC[coding] ?? [];
  return head.length < magic.length || magic.every((byte, at) => head[at] === byte);
}

/** @param head - The first bytes, if they are at hand. @throws {Error} For a coding that Node does not support. */
function createDecoder(coding: string, head: Uint8Array | undefined): Transform {
  switch (coding) {
    case 'gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    case 'deflate': {
      // The standard says zlib format. Some hosts send raw deflate.
      const [method = 0, flags = 0] = head ?? [0x78, 0x9c];
      return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0
        ? createInflate()
        : createInflateRaw();
    }
    default:
      throw new Error('this Node version cannot decode it');
  }
}

const undecodable = (codings: readonly string[], why: string) =>
  new OutputUnavailableError(`Cannot decode an output that came as "${codings.join(', ')}": ${why}`);

const isOfZlib = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && /^(Z_|ERR_|ZSTD_)/.test(String(error.code));

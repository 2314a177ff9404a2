import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { safeFileName } from '../runtime/safe-file-name.ts';
import { WiroError } from './errors.ts';
import type { FileField, RunField } from './spell-parameters.ts';
import type { FileToSend } from './types.ts';

export interface MultipartBody {
  readonly contentType: string;
  /** The exact size, with all boundaries and part headers. */
  readonly sizeBytes: number;
  readonly stream: Readable;
  /** Returns the error of reading a file, if one occurred. Connection errors are not among them. */
  readonly fileError: () => unknown;
  /** Closes the files, even if they were not read to the end. */
  readonly close: () => void;
}

/**
 * Opens the files and builds a multipart body that streams them: no file is ever held whole in memory.
 * @throws The error of a file's `open`, unchanged, after closing the files opened before it.
 */
export async function openMultipart(fields: readonly (RunField | FileField)[]): Promise<MultipartBody> {
  const boundary = `wiro-serverless-${randomUUID()}`;
  const opened: Readable[] = [];
  const close = () => {
    for (const source of opened) source.destroy();
  };
  const pieces: (Buffer | OpenedFile)[] = [];
  try {
    for (const field of fields) {
      if ('file' in field) {
        const source = await field.file.open();
        source.on('error', () => {}); // a stream may fail before it is read: reading it reports the error
        opened.push(source);
        pieces.push(
          Buffer.from(fileHeader(boundary, field)),
          { file: field.file, source },
          Buffer.from('\r\n'),
        );
      } else pieces.push(Buffer.from(valuePart(boundary, field)));
    }
  } catch (error) {
    close();
    throw error;
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));

  let fileError: unknown;
  async function* write() {
    for (const piece of pieces) {
      if (Buffer.isBuffer(piece)) yield piece;
      else
        try {
          yield* readExactly(piece);
        } catch (error) {
          fileError = error;
          throw error;
        }
    }
  }
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    sizeBytes: pieces.reduce(
      (sum, piece) => sum + (Buffer.isBuffer(piece) ? piece.length : piece.file.sizeBytes),
      0,
    ),
    stream: Readable.from(write(), { objectMode: false, highWaterMark: 64 * 1024 }),
    fileError: () => fileError,
    close,
  };
}

interface OpenedFile {
  readonly file: FileToSend;
  readonly source: Readable;
}

/**
 * Reads a file that must have exactly the declared size.
 * @throws {WiroError} If it does not. A wrong size would contradict the Content-Length and shift the parts that follow.
 */
async function* readExactly({ file, source }: OpenedFile): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of source) {
    const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    sizeBytes += bytes.length;
    if (sizeBytes > file.sizeBytes) break;
    yield bytes;
  }
  if (sizeBytes !== file.sizeBytes)
    throw new WiroError(
      'wrongSize',
      `Cannot send "${asciiFileName(file.name)}" to Wiro: ${file.sizeBytes} bytes were declared, and it has ` +
        `${sizeBytes > file.sizeBytes ? 'more' : sizeBytes}`,
    );
}

const fileHeader = (boundary: string, { name, file }: FileField) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"; filename="${asciiFileName(file.name)}"\r\n` +
  `Content-Type: ${safeContentType(file.contentType)}\r\n\r\n`;

const valuePart = (boundary: string, { name, value }: RunField) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${spelled(value)}\r\n`;

function spelled(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Escapes a field name as browsers do. */
const quoted = (name: string) => name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** Only ASCII: other letters in a header are read differently by every parser. */
const asciiFileName = (name: string): string =>
  safeFileName(
    name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^ -~]+/g, '-'),
  );

const safeContentType = (contentType: string) =>
  /^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.-]+)*$/.test(contentType) ? contentType : 'application/octet-stream';

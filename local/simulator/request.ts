import type { IncomingMessage } from 'node:http';
import { multipartBoundary, parseMultipart } from '../multipart.ts';
import { acceptedContentType, type FileStore, type StoredFile, UPLOAD_LIMIT_BYTES } from './files.ts';
import type { RunForm } from './parameters.ts';
import { storeStream, TooLargeError } from './stored-bytes.ts';

/** A request that Wiro answers with `result:false`, with Wiro's message. */
export class RequestError extends Error {
  readonly code: number;

  constructor(message: string, code = 0) {
    super(message);
    this.code = code;
  }
}

const FIELDS_LIMIT_BYTES = 4 * 1024 * 1024;

export interface ReadFormDeps {
  readonly files: Pick<FileStore, 'addUpload' | 'keep'>;
  readonly directory: string;
}

/**
 * Reads a request's fields and files from JSON, a form or multipart. Stores files as they arrive.
 * @throws {RequestError} If the request is invalid, or Wiro does not accept a file.
 */
export async function readForm(deps: ReadFormDeps, request: IncomingMessage): Promise<RunForm> {
  const boundary = multipartBoundary(request.headers['content-type']);
  if (boundary !== undefined) return readMultipart(deps, request, boundary);
  const text = await readText(request);
  if (request.headers['content-type']?.includes('x-www-form-urlencoded'))
    return { fields: Object.fromEntries(new URLSearchParams(text)), files: {} };
  return { fields: parseFields(text), files: {} };
}

/** Reads a body without files. */
export async function readText(request: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += chunk.length;
    if (sizeBytes <= FIELDS_LIMIT_BYTES) chunks.push(chunk);
  }
  if (sizeBytes > FIELDS_LIMIT_BYTES) throw new RequestError('Request body is too large');
  return Buffer.concat(chunks).toString('utf8');
}

function parseFields(text: string): Record<string, unknown> {
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // Falls through to the error below.
  }
  throw new RequestError('Request body must be a JSON object');
}

async function readMultipart(
  deps: ReadFormDeps,
  request: IncomingMessage,
  boundary: string,
): Promise<RunForm> {
  const fields: Record<string, unknown> = {};
  const files: Record<string, StoredFile[]> = {};
  let error: RequestError | undefined;
  for await (const part of parseMultipart(request, boundary)) {
    if (part.fileName === undefined) {
      const value = await readText(part.content);
      const earlier = fields[part.name];
      fields[part.name] = earlier === undefined ? value : [earlier, value].flat();
      continue;
    }
    try {
      const file = await storeUpload(deps, part.fileName, part.content, String(fields.folderid ?? ''));
      if (file) files[part.name] = [...(files[part.name] ?? []), file];
    } catch (cause) {
      if (!(cause instanceof RequestError)) throw cause;
      // Reads the rest of the body before it responds.
      error = cause;
    }
  }
  if (error) throw error;
  return { fields, files };
}

/** @returns `undefined` for a web form's file field without a file. */
async function storeUpload(
  { files, directory }: ReadFormDeps,
  name: string,
  content: AsyncIterable<Buffer>,
  folderId: string,
): Promise<StoredFile | undefined> {
  const contentType = acceptedContentType(name);
  try {
    const bytes = await storeStream(content, directory, contentType === undefined ? 0 : UPLOAD_LIMIT_BYTES);
    if (name === '' && bytes.sizeBytes === 0) return undefined;
    if (contentType !== undefined) {
      const file = files.addUpload({ name, contentType, bytes, folderId });
      await files.keep(file);
      return file;
    }
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
  }
  throw new RequestError(
    contentType === undefined
      ? `File type of [${name}] is not supported`
      : `File [${name}] must be smaller than 100 MB`,
  );
}

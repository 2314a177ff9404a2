import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { InputObject, InputStore } from '../objects/types.ts';
import type { FileToSend } from '../wiro/types.ts';

/** The content of an input, read in one pass. */
export interface Content {
  readonly sha256: string;
  /** Absent if they are not kept in memory. */
  readonly bytes?: Buffer;
}

type Inputs = Pick<InputStore, 'open'>;

/** Reads an object through, and keeps only its SHA-256. */
export async function readSum(inputs: Inputs, object: InputObject): Promise<Content> {
  const hash = createHash('sha256');
  for await (const chunk of await inputs.open(object)) hash.update(chunk);
  return { sha256: hash.digest('hex') };
}

/** Reads an object into memory. */
export async function readWhole(
  inputs: Inputs,
  object: InputObject,
  signal: AbortSignal,
): Promise<Required<Content>> {
  const hash = createHash('sha256');
  const bytes = Buffer.alloc(object.sizeBytes);
  let length = 0;
  for await (const chunk of await inputs.open(object)) {
    signal.throwIfAborted();
    const piece: Uint8Array = chunk;
    hash.update(piece);
    if (length + piece.length <= bytes.length) bytes.set(piece, length);
    length += piece.length;
  }
  if (length !== bytes.length)
    throw new Error(`Cannot read "${object.key}": it has ${bytes.length} bytes, but ${length} came`);
  return { sha256: hash.digest('hex'), bytes };
}

const PIECE_BYTES = 64 * 1024;

/** Opens bytes in memory as a file to send, as often as it is sent. */
export const opening =
  (bytes: Buffer): FileToSend['open'] =>
  async () =>
    Readable.from(inPieces(bytes), { objectMode: false });

function* inPieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

import { KIND_BYTES, kindFromBytes } from '../intake/kind-from-bytes.ts';
import type { InputStore } from '../objects/types.ts';
import type { AcceptedObject } from '../request/accepted-request.ts';
import { fileKind, typeOfExtension } from '../request/file-kind.ts';

/** A file of a kind that Wiro does not take. `kind` names it, if known. */
export class UnsupportedFileError extends Error {
  override readonly name = 'UnsupportedFileError';
  readonly key: string;
  readonly kind: string | undefined;

  constructor(key: string, kind?: string) {
    super(`Cannot upload "${key}": Wiro does not take its kind`);
    this.key = key;
    this.kind = kind;
  }
}

/**
 * Finds the extension to give a file at Wiro. Wiro decides by the extension what the file is.
 * @param bytes - The file's bytes, if they are in memory already.
 * @throws {UnsupportedFileError} When Wiro does not take such a file.
 */
export async function extensionFor(
  inputs: Pick<InputStore, 'open'>,
  object: AcceptedObject,
  bytes?: Uint8Array,
): Promise<string> {
  const declared = fileKind(object);
  const kind =
    declared.kind === 'undetermined'
      ? kindFromBytes((bytes ?? (await readHead(inputs, object))).subarray(0, KIND_BYTES))
      : declared;
  if (kind.kind === 'supported') return kind.extension;
  throw new UnsupportedFileError(object.key, kind.kind === 'unsupported' ? kind.name : undefined);
}

async function readHead(inputs: Pick<InputStore, 'open'>, object: AcceptedObject): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of await inputs.open(object)) {
    const piece: Uint8Array = chunk;
    pieces.push(piece);
    length += piece.length;
    if (length >= KIND_BYTES) break;
  }
  return Buffer.concat(pieces);
}

/** Hides the name that the user gave the file: anyone who knows one of Wiro's URLs can open it. */
export const nameAtWiro = (sha256: string, extension: string) => `${sha256.slice(0, 32)}${extension}`;

export const contentTypeFor = ({ contentType }: AcceptedObject, extension: string): string =>
  contentType === undefined || /\/octet-stream$/i.test(contentType)
    ? typeOfExtension(extension)
    : contentType;

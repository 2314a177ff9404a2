import { randomBytes } from 'node:crypto';
import { RequestError } from '../generation/errors.ts';
import { type Timestamp, timestamp } from '../generation/time.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { PresignedUpload, UploadToPresign } from '../objects/presign-upload.ts';
import { fileKind, LARGEST_INPUT_BYTES, SUPPORTED_KINDS, typeOfExtension } from '../request/file-kind.ts';
import { isUnder } from '../request/input-prefixes.ts';
import { gatherProblems } from '../request/problems.ts';
import type { SourceRules } from '../request/source.ts';
import { isRecord } from '../runtime/json.ts';
import type { InputHandover } from '../settings.ts';

export interface CreateUploadDeps {
  readonly rules: SourceRules;
  /** Whether kinds that Wiro's upload does not take are refused. @default 'upload' */
  readonly inputHandover?: InputHandover;
  readonly presignUpload: (upload: UploadToPresign) => Promise<PresignedUpload>;
}

/** Where to upload one file, and what to write into `inputs` of a request afterwards. */
export interface CreatedUpload {
  /** The object's key in the input bucket, as a source in `inputs`. */
  readonly key: string;
  readonly method: 'PUT';
  /** A capability: anyone who has it can upload this one object until `expiresAt`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: Timestamp;
}

/** The body of a request for an upload. */
export const EXAMPLE = '{"name": "photo.png", "sizeBytes": 1234, "contentType": "image/png"}';
const FIELDS = ['name', 'contentType', 'sizeBytes'];
const LONGEST_NAME_BYTES = 255;

/**
 * Creates a link to upload one input.
 * @param value - The request's body, parsed: `{name, sizeBytes, contentType?}`.
 * @throws {RequestError} With everything that is wrong. Nothing was stored.
 */
export async function createUpload(
  { rules, inputHandover, presignUpload }: CreateUploadDeps,
  value: unknown,
): Promise<CreatedUpload> {
  if (!isRecord(value))
    throw new RequestError('invalid_request', `The body must be a JSON object: ${EXAMPLE}.`);
  const problems = gatherProblems();
  for (const field of Object.keys(value)) problems.check(() => checkField(field));
  const name = problems.check(() => parseName(value.name));
  const sizeBytes = problems.check(() => parseSize(value.sizeBytes));
  const given = problems.check(() => parseContentType(value.contentType));
  const contentType = problems.check(() => requireKind(name ?? '', given, inputHandover));
  problems.throwAny();
  // 96 random bits: a key cannot be guessed, and two uploads never share one.
  const key = `${PREFIX.temporaryInputs}${randomBytes(12).toString('hex')}/${name}`;
  requireAllowed(key, rules);
  const { url, headers, expiresAt } = await presignUpload({
    bucket: rules.inputBucket,
    key,
    contentType: contentType ?? '',
    sizeBytes: sizeBytes ?? 0,
  });
  return { key, method: 'PUT', url, headers, expiresAt: timestamp(expiresAt) };
}

function checkField(field: string): void {
  if (FIELDS.includes(field)) return;
  throw new RequestError(
    'invalid_request',
    `${field} is not known: an upload has ${FIELDS.join(', ')}.`,
    field,
  );
}

function parseName(value: unknown): string {
  if (typeof value === 'string' && isName(value)) return value;
  throw new RequestError(
    'invalid_parameter',
    `name must be a file's name of at most ${LONGEST_NAME_BYTES} bytes, without "/", "\\" and control characters.`,
    'name',
  );
}

const isName = (name: string): boolean =>
  /^[^/\\\p{Cc}\p{Zl}\p{Zp}]+$/u.test(name) &&
  name.isWellFormed() &&
  !/^\.{1,2}$/.test(name) &&
  Buffer.byteLength(name) <= LONGEST_NAME_BYTES;

function parseSize(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw new RequestError(
      'invalid_parameter',
      "sizeBytes must be the file's exact size in bytes, a whole number.",
      'sizeBytes',
    );
  if (value === 0)
    throw new RequestError('input_empty', 'sizeBytes is 0: an empty file is no input.', 'sizeBytes');
  if (value > LARGEST_INPUT_BYTES)
    throw new RequestError(
      'input_too_large',
      `sizeBytes is ${value}; Wiro takes at most ${LARGEST_INPUT_BYTES} (100 MB): make the file smaller.`,
      'sizeBytes',
    );
  return value;
}

function parseContentType(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (
    typeof value === 'string' &&
    value.length <= 100 &&
    /^[\w.+-]+\/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)?$/.test(value)
  )
    return value;
  throw new RequestError(
    'invalid_parameter',
    'contentType must be a media type such as "image/png".',
    'contentType',
  );
}

/** @returns The Content-Type to sign: the given one, or that of the name's extension. */
function requireKind(name: string, contentType: string | undefined, handover?: InputHandover): string {
  const found = fileKind({ key: name, ...(contentType !== undefined && { contentType }) });
  if (found.kind === 'supported') return contentType ?? typeOfExtension(found.extension);
  if (handover === 'presigned') return contentType ?? 'application/octet-stream';
  const what =
    found.kind === 'unsupported'
      ? `"${name}" is ${found.name}, which Wiro does not take`
      : `the kind of "${name}" cannot be told`;
  throw new RequestError(
    'input_unsupported',
    `name: ${what}: convert the file to one of ${SUPPORTED_KINDS}, and give the name its extension.`,
    'name',
  );
}

function requireAllowed(key: string, { inputBucket, prefixes }: SourceRules): void {
  const allowed = prefixes?.get(inputBucket);
  if (allowed === undefined || isUnder(key, allowed)) return;
  throw new RequestError(
    'input_not_allowed',
    `This deployment takes no uploads: its inputPrefixes do not include "${PREFIX.temporaryInputs}". Put the object under one of its prefixes instead, or add this one to inputPrefixes.`,
  );
}

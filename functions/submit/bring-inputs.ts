import { setTimeout as sleep } from 'node:timers/promises';
import type { OtherHandover } from '../generation/handover.ts';
import { type Timestamp, timestamp } from '../generation/time.ts';
import type { InputStore } from '../objects/types.ts';
import type { AcceptedObject, AcceptedRequest } from '../request/accepted-request.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { Durations } from '../settings.ts';
import type { UploadRefusals } from '../store/upload-refusals.ts';
import type { UploadKey, UploadStore } from '../store/upload-store.ts';
import { WiroError } from '../wiro/errors.ts';
import type { FileToSend, FileValue, UploadedFile, WiroClient } from '../wiro/types.ts';
import { contentTypeFor, extensionFor, nameAtWiro } from './name-at-wiro.ts';
import { type Content, opening, readSum, readWhole } from './read-input.ts';
import type { Room } from './room.ts';

/** How this deployment hands objects over to Wiro. */
export type Handover =
  | { readonly kind: 'upload' }
  | { readonly kind: 'presigned'; readonly presign: Presign }
  /** As uploads. If Wiro refuses the project's uploads: in the Run's body if there is room, else by links. */
  | {
      readonly kind: 'auto';
      readonly presign: Presign;
      readonly refusals: UploadRefusals;
      readonly room: Room;
    };

/** Makes a link by which Wiro fetches an object. `isPinned` if no other object can take the object's place under the link. */
export type Presign = (
  object: AcceptedObject,
) => Promise<{ readonly url: string; readonly isPinned: boolean }>;

export interface BringInputsDeps {
  readonly inputs: Pick<InputStore, 'open'>;
  readonly uploads: UploadStore;
  readonly wiro: Pick<WiroClient, 'upload'>;
  /** For inputs between reading and uploading. */
  readonly memory: { readonly open: () => Room };
  readonly durations: Durations;
  /** @default - as uploads */
  readonly handover?: Handover;
}

export interface BroughtInputs {
  readonly files: Readonly<Record<string, readonly FileValue[]>>;
  /** Whether one of the uploads was made for another generation. */
  readonly reused: boolean;
  /** How the objects go to Wiro, if not as the uploads that the deployment prefers. */
  readonly otherwise?: OtherHandover;
  /** How much longer the Run may take for the files in its body, in milliseconds. */
  readonly extraMs: number;
}

/** An input that could not be brought to Wiro. The `cause` says why. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly field: string;

  constructor(field: string, cause: unknown) {
    super(`Cannot bring ${field} to Wiro`, { cause });
    this.field = field;
  }
}

/** Wiro refuses this file but takes others. */
export class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError';
}

/** Wiro refuses every upload of this project, even that of a known good file. */
export class UploadsRefusedError extends Error {
  override readonly name = 'UploadsRefusedError';
}

const AT_ONCE = 4;
const MEGABYTE = 1024 * 1024;
/** A larger input is read twice: for its SHA-256, and to upload it. */
const LARGEST_HELD_BYTES = 8 * MEGABYTE;

interface WantedInput {
  readonly name: string;
  readonly field: string;
}

interface WantedObject extends WantedInput {
  readonly input: AcceptedObject;
}

interface Bringing {
  readonly generationId: string;
  readonly holder: string;
  /** Uploads before this moment are not reused. */
  readonly notBefore: Timestamp;
  /** Whether a Run of this attempt was lost. Its body may have been too large for a proxy before Wiro. @default - no */
  readonly hasLostRun?: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Brings every input of a request to Wiro. Uploads objects, each content once, or hands them over in another way that the
 * deployment uses. Passes URLs on.
 * @throws {InputError} For the first input that cannot be brought.
 */
export async function bringInputs(
  deps: BringInputsDeps,
  request: Pick<AcceptedRequest, 'inputs'>,
  bringing: Bringing,
): Promise<BroughtInputs> {
  const wanted = Object.entries(request.inputs).flatMap(([name, given]) =>
    given.map((input, index) => ({
      name,
      input,
      field: `inputs.${name}${given.length > 1 ? `[${index}]` : ''}`,
    })),
  );
  const objects = wanted.flatMap(({ input, ...rest }) =>
    input.kind === 'object' ? [{ ...rest, input }] : [],
  );
  const { values, ...how } = await handOver(deps, objects, bringing);
  const byField = new Map(objects.map(({ field }, index) => [field, values[index]]));
  const files = new Map<string, FileValue[]>();
  for (const { name, input, field } of wanted) {
    const value = input.kind === 'url' ? { url: input.url } : byField.get(field);
    if (value !== undefined) files.set(name, [...(files.get(name) ?? []), value]);
  }
  return { files: Object.fromEntries(files), ...how };
}

interface HandedOver extends Omit<BroughtInputs, 'files'> {
  /** In the order of the objects. */
  readonly values: readonly FileValue[];
}

async function handOver(
  deps: BringInputsDeps,
  objects: readonly WantedObject[],
  bringing: Bringing,
): Promise<HandedOver> {
  const { handover = { kind: 'upload' } } = deps;
  if (objects.length === 0) return { values: [], reused: false, extraMs: 0 };
  if (handover.kind === 'presigned') {
    const { otherwise: _, ...linked } = await link(handover.presign, objects);
    return linked;
  }
  if (handover.kind === 'upload') return await uploadAll(deps, objects, bringing);
  if (!(await handover.refusals.areNoted())) {
    try {
      return await uploadAll(deps, objects, bringing);
    } catch (error) {
      if (!(error instanceof InputError && error.cause instanceof UploadsRefusedError)) throw error;
    }
  }
  const sizeBytes = objects.reduce((sum, { input }) => sum + input.sizeBytes, 0);
  if (!(await bringing.hasLostRun?.()) && handover.room.take(sizeBytes))
    return await carry(deps, objects, bringing);
  return await link(handover.presign, objects);
}

// --- as uploads -----------------------------------------------------------------------------------------------

async function uploadAll(
  deps: BringInputsDeps,
  objects: readonly WantedObject[],
  bringing: Bringing,
): Promise<HandedOver> {
  // Each input claims for itself, so that inputs with the same content wait for each other.
  const uploads = await bringEach(objects, (object, field) =>
    uploadOnce(deps, object, { ...bringing, holder: `${bringing.holder} ${field}` }),
  );
  return {
    values: uploads.map(({ url }) => ({ url })),
    reused: uploads.some(({ by }) => by !== bringing.generationId),
    extraMs: 0,
  };
}

interface Uploaded {
  readonly url: string;
  /** The generation that uploaded it. */
  readonly by: string;
}

async function uploadOnce(
  deps: BringInputsDeps,
  object: AcceptedObject,
  bringing: Bringing,
): Promise<Uploaded> {
  const { inputs, uploads } = deps;
  const extension = await extensionFor(inputs, object);
  const known = await uploads.contentOf(object);
  if (known !== undefined) return await uploadContent(deps, object, extension, { sha256: known }, bringing);
  const memory = deps.memory.open();
  const note = (sha256: string) =>
    uploads.noteContent(object, sha256).catch(logIgnored('the next use reads it again'));
  try {
    if (object.sizeBytes > LARGEST_HELD_BYTES || !memory.take(object.sizeBytes)) {
      const content = await readSum(inputs, object);
      await note(content.sha256);
      return await uploadContent(deps, object, extension, content, bringing);
    }
    const content = await readWhole(inputs, object, bringing.signal);
    const uploaded = await uploadContent(deps, object, extension, content, bringing);
    // Most inputs are used once. So the second use reads it once more, and notes it for those that follow.
    if (uploaded.by !== bringing.generationId) await note(content.sha256);
    return uploaded;
  } finally {
    memory.close();
  }
}

/** Uploads a content, unless Wiro has the same bytes already, even from an object under another key. */
async function uploadContent(
  deps: BringInputsDeps,
  object: AcceptedObject,
  extension: string,
  { sha256, bytes }: Content,
  { generationId, holder, notBefore, signal }: Bringing,
): Promise<Uploaded> {
  const { inputs, uploads, durations } = deps;
  const key: UploadKey = { sha256, extension };
  let hasWaited = false;
  for (;;) {
    signal.throwIfAborted();
    const claim = await uploads.claim(key, holder, notBefore);
    if (claim.kind === 'uploaded') return claim;
    if (claim.kind === 'ours') break;
    hasWaited = true;
    await sleep(durations.uploadPoll, undefined, { signal });
  }
  try {
    // The holder that this one waited for did not succeed, perhaps because Wiro refuses all uploads.
    if (hasWaited && (await refusalsOf(deps)?.areNoted(true)))
      throw new UploadsRefusedError('Another submission found out meanwhile');
    const { url } = await upload(deps, {
      name: nameAtWiro(sha256, extension),
      contentType: contentTypeFor(object, extension),
      sizeBytes: object.sizeBytes,
      open: bytes === undefined ? () => inputs.open(object) : opening(bytes),
    });
    await uploads.done(key, url, generationId);
    return { url, by: generationId };
  } catch (error) {
    await uploads.release(key, holder).catch(logIgnored('the lease ends by itself'));
    throw error;
  }
}

/**
 * Uploads a file. If Wiro refuses it, uploads a known good file to find out whether Wiro refuses the file or all uploads of
 * the project.
 */
async function upload(deps: BringInputsDeps, file: FileToSend): Promise<UploadedFile> {
  const { wiro } = deps;
  try {
    return await wiro.upload(file);
  } catch (error) {
    if (!mayBeForGood(error)) throw error;
    const refusals = refusalsOf(deps);
    // Another submission may have found out meanwhile.
    if (await refusals?.areNoted(true)) throw new UploadsRefusedError(error.why, { cause: error });
    try {
      // Loaded on demand: most projects never need it.
      const { KNOWN_GOOD_FILE } = await import('./known-good-file.ts');
      await wiro.upload(KNOWN_GOOD_FILE);
    } catch (second) {
      if (!(second instanceof WiroError && second.isRefusal)) throw second;
      await noteRefusal(refusals, second);
      throw new UploadsRefusedError(second.why, { cause: second });
    }
    return await uploadAgain(wiro, file);
  }
}

/** Uploads the file once more after Wiro took the known good one. A second refusal is about the file itself. */
async function uploadAgain(wiro: BringInputsDeps['wiro'], file: FileToSend): Promise<UploadedFile> {
  try {
    return await wiro.upload(file);
  } catch (error) {
    if (!mayBeForGood(error)) throw error;
    throw new FileRefusedError(error.why, { cause: error });
  }
}

const refusalsOf = ({ handover }: BringInputsDeps): UploadRefusals | undefined =>
  handover?.kind === 'auto' ? handover.refusals : undefined;

/** Whether a refusal may be for good: by Wiro's API, or by a gateway with 413. Other answers of a gateway may pass. */
const mayBeForGood = (error: unknown): error is WiroError =>
  error instanceof WiroError && (error.isRefusal || error.status === 413);

async function noteRefusal(refusals: UploadRefusals | undefined, { message }: WiroError): Promise<void> {
  if (refusals === undefined || !(await refusals.note().catch(() => true))) return;
  log.warn(
    "Wiro refuses this project's uploads, a known good picture included: inputs go in the body of the Run or by links",
    { why: message },
    { UploadsRefused: 1 },
  );
}

// --- in the Run's body ----------------------------------------------------------------------------------------

/** Reads all files into memory, so that a failing read fails before the mark. */
async function carry(
  { inputs, durations }: BringInputsDeps,
  objects: readonly WantedObject[],
  { signal }: Bringing,
): Promise<HandedOver> {
  const files = await bringEach(objects, async (object): Promise<FileToSend> => {
    const { sha256, bytes } = await readWhole(inputs, object, signal);
    const extension = await extensionFor(inputs, object, bytes);
    return {
      name: nameAtWiro(sha256, extension),
      contentType: contentTypeFor(object, extension),
      sizeBytes: bytes.length,
      open: opening(bytes),
    };
  });
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return {
    values: files.map((file) => ({ file })),
    reused: false,
    otherwise: { by: 'multipart', isPinned: true },
    extraMs: Math.ceil(sizeBytes / MEGABYTE) * durations.runPerMegabyte,
  };
}

// --- by links -------------------------------------------------------------------------------------------------

async function link(
  presign: Presign,
  objects: readonly WantedObject[],
): Promise<HandedOver & { readonly otherwise: OtherHandover }> {
  const links = await bringEach(objects, presign);
  return {
    values: links.map(({ url }) => ({ url })),
    reused: false,
    otherwise: { by: 'presigned', isPinned: links.every(({ isPinned }) => isPinned) },
    extraMs: 0,
  };
}

// --- shared ---------------------------------------------------------------------------------------------------

/** @returns The results in the order of the objects. */
const bringEach = <T>(
  objects: readonly WantedObject[],
  bring: (object: AcceptedObject, field: string) => Promise<T>,
): Promise<readonly T[]> =>
  mapLimited(objects, AT_ONCE, async ({ input, field }) => {
    try {
      return await bring(input, field);
    } catch (cause) {
      throw new InputError(field, cause);
    }
  });

/** The moment before which uploads are not reused: the end of the attempt that failed with reused ones, if there was one. */
export const freshSince = (endedAt: Timestamp | undefined): Timestamp => endedAt ?? timestamp(0);

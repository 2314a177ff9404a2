import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AcceptedObject, AcceptedRequest } from '../generation/accepted-request.ts';
import { type Timestamp, timestamp } from '../generation/time.ts';
import { ignore } from '../ignore.ts';
import { mapLimited } from '../limit.ts';
import type { InputStore } from '../objects/types.ts';
import type { Durations } from '../settings.ts';
import type { UploadKey, UploadStore } from '../store/upload-store.ts';
import type { FileValue, WiroClient } from '../wiro/types.ts';

export interface BringInputsDeps {
  readonly inputs: Pick<InputStore, 'open'>;
  readonly uploads: UploadStore;
  readonly wiro: Pick<WiroClient, 'upload'>;
  readonly durations: Durations;
  /** A link by which Wiro fetches an object itself, where the deployment prefers that. @default - objects are uploaded */
  readonly presign?: (object: AcceptedObject) => Promise<string>;
}

export interface BroughtInputs {
  readonly files: Readonly<Record<string, readonly FileValue[]>>;
  /** Whether any upload was made for another generation. */
  readonly reused: boolean;
}

/** An input that could not be brought to Wiro. The cause says why. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly field: string;

  constructor(field: string, cause: unknown) {
    super(`Cannot bring ${field} to Wiro`, { cause });
    this.field = field;
  }
}

const AT_ONCE = 4;

/**
 * Makes every input of a request a URL that Wiro can read: objects are uploaded, each content once, or linked; URLs
 * pass.
 * @param notBefore - Earlier uploads are not used again.
 * @throws {InputError} For the first input that cannot be brought.
 */
export async function bringInputs(
  deps: BringInputsDeps,
  request: Pick<AcceptedRequest, 'inputs'>,
  {
    generationId,
    holder,
    notBefore,
    signal,
  }: {
    readonly generationId: string;
    readonly holder: string;
    readonly notBefore: Timestamp;
    readonly signal: AbortSignal;
  },
): Promise<BroughtInputs> {
  const wanted = Object.entries(request.inputs).flatMap(([name, given]) =>
    given.map((input, index) => ({
      name,
      input,
      field: `inputs.${name}${given.length > 1 ? `[${index}]` : ''}`,
    })),
  );
  let reused = false;
  const brought = await mapLimited(wanted, AT_ONCE, async ({ name, input, field }) => {
    if (input.kind === 'url') return { name, url: input.url };
    try {
      if (deps.presign) return { name, url: await deps.presign(input) };
      const upload = await bringObject(deps, input, { generationId, holder, notBefore, signal });
      if (upload.by !== generationId) reused = true;
      return { name, url: upload.url };
    } catch (cause) {
      throw new InputError(field, cause);
    }
  });
  const files = new Map<string, FileValue[]>();
  for (const { name, url } of brought) files.set(name, [...(files.get(name) ?? []), { url }]);
  return { files: Object.fromEntries(files), reused };
}

async function bringObject(
  { inputs, uploads, wiro, durations }: BringInputsDeps,
  object: AcceptedObject,
  {
    generationId,
    holder,
    notBefore,
    signal,
  }: {
    readonly generationId: string;
    readonly holder: string;
    readonly notBefore: Timestamp;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly url: string; readonly by: string }> {
  const sha256 = (await uploads.contentOf(object)) ?? (await readContent({ inputs, uploads }, object));
  const key: UploadKey = { sha256, extension: extensionOf(object.key) };
  for (;;) {
    signal.throwIfAborted();
    const claim = await uploads.claim(key, holder, notBefore);
    if (claim.kind === 'uploaded') return claim;
    if (claim.kind === 'ours') break;
    await sleep(durations.uploadPoll, undefined, { signal });
  }
  try {
    const { url } = await wiro.upload({
      // Its user's name stays here: Wiro's URLs are public to whoever knows them.
      name: `${sha256.slice(0, 32)}${key.extension}`,
      contentType: object.contentType ?? 'application/octet-stream',
      sizeBytes: object.sizeBytes,
      open: () => inputs.open(object),
    });
    await uploads.done(key, url, generationId);
    return { url, by: generationId };
  } catch (error) {
    await uploads.release(key, holder).catch(ignore('the lease ends by itself'));
    throw error;
  }
}

/** One read ahead of the upload, so that the same bytes under another key are known before they are sent. */
async function readContent(
  { inputs, uploads }: Pick<BringInputsDeps, 'inputs' | 'uploads'>,
  object: AcceptedObject,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await inputs.open(object)) hash.update(chunk);
  const sha256 = hash.digest('hex');
  await uploads.noteContent(object, sha256).catch(ignore('it is read again next time'));
  return sha256;
}

/** `.png` of `a/b.PNG`; `''` without one. */
function extensionOf(key: string): string {
  return /\.[a-z0-9]{1,8}$/i.exec(key)?.[0].toLowerCase() ?? '';
}

/** The moment before which uploads do not count: none, or the end of the attempt that failed with them. */
export const freshSince = (endedAt: Timestamp | undefined): Timestamp => endedAt ?? timestamp(0);

import type { Generation, Output } from '../generation/generation.ts';
import { isFlatFolder } from '../generation/output-folder.ts';
import { after, type Clock, timestamp } from '../generation/time.ts';
import type { ObjectRef } from '../objects/types.ts';
import { OutputRefusedError, OutputUnavailableError } from '../outputs/errors.ts';
import { outputKey } from '../outputs/output-key.ts';
import type { CopiedOutput, OutputCopier, OutputToCopy } from '../outputs/types.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import { safeFileName } from '../runtime/safe-file-name.ts';
import type { Durations } from '../settings.ts';
import type { EarlierRead, EarlierReads } from '../store/earlier-reads.ts';
import type { TaskOutput } from '../wiro/types.ts';
import type { StandingOutputs } from './standing-outputs.ts';

export interface CopyOutputsDeps {
  readonly outputBucket: string;
  /** Ends in `/`. */
  readonly outputPrefix: string;
  readonly copier: OutputCopier;
  readonly standing: StandingOutputs;
  readonly putBytes: (
    ref: ObjectRef,
    bytes: Buffer,
    contentType: string,
    metadata?: OutputMetadata,
  ) => Promise<CopiedOutput>;
  readonly collectAgain: (id: string) => Promise<void>;
  readonly earlierReads: EarlierReads;
  readonly durations: Pick<Durations, 'outputRecheck'>;
  readonly clock: Clock;
}

export type CopiedOutputs =
  | { readonly kind: 'copied'; readonly outputs: readonly Output[] }
  /** `outputs` are those that were copied, read once or twice. */
  | {
      readonly kind: 'incomplete';
      readonly code: 'output_unavailable' | 'output_refused';
      readonly message: string;
      readonly outputs: readonly Output[];
    };

/** What S3 keeps with the object of an output. */
type OutputMetadata = Readonly<Record<'generation' | 'model' | 'index', string>>;

const AT_ONCE = 3;
/** The record contains a language model's answer up to this size. */
const LARGEST_INLINE_BYTES = 4 * 1024;

export interface CopyOptions {
  /** An earlier holder may have copied some outputs. Those are not fetched again. */
  readonly isAgain?: boolean;
  /** Fetches nothing, and returns the outputs that were copied before. */
  readonly isOver?: boolean;
  /** Called for every output that is copied or was copied before. */
  readonly onStanding?: (index: number, output: Output) => Promise<void>;
}

/** Copies every output of a task to the output bucket, each completely or not at all. */
export async function copyOutputs(
  deps: CopyOutputsDeps,
  {
    id,
    model,
    attempt,
    outputFolder,
    trouble,
  }: Pick<Generation, 'id' | 'model' | 'attempt' | 'outputFolder' | 'trouble'>,
  outputs: readonly TaskOutput[],
  signal: AbortSignal,
  { isAgain = false, isOver = false, onStanding }: CopyOptions = {},
): Promise<CopiedOutputs> {
  const wasUnavailable = trouble?.firstAt.output_unavailable !== undefined;
  const failures: (OutputUnavailableError | OutputRefusedError)[] = [];
  const copied = await mapLimited(outputs, AT_ONCE, async (output, index): Promise<Output | undefined> => {
    const standing = await copyOne(output, index);
    if (standing !== undefined) await onStanding?.(index, standing);
    return standing;
  });

  async function copyOne(output: TaskOutput, index: number): Promise<Output | undefined> {
    const name = output.kind === 'raw' ? 'answer.json' : output.name;
    const folder = outputFolder ?? `${deps.outputPrefix}${id}/`;
    const key = outputKey({ folder, attempt, index, name, isFlat: isFlatFolder({ id, outputFolder }) });
    const ref = { bucket: deps.outputBucket, key };
    const metadata = { generation: id, model, index: String(index) };
    // Only a repeated collection can have read an output before. An ordinary one saves this read.
    const isKnown = isAgain || wasUnavailable;
    const earlier = isKnown ? await deps.earlierReads.read(id, attempt, index) : undefined;
    try {
      if (output.kind === 'raw') return await putAnswer(deps, ref, output, metadata);
      const where = { ...ref, id, attempt, index };
      // An output that differs from Wiro's record lies there, too. It does not count yet.
      const found = isAgain && earlier === undefined ? await deps.standing.find(where, output) : undefined;
      if (found !== undefined) return { ...placeOf(found), name: safeFileName(name) };
      if (earlier?.isKept) return earlier.output;
      if (isOver) throw new OutputUnavailableError('it was not copied');
      const now = timestamp(deps.clock());
      if (earlier !== undefined && now < after(earlier.readAt, deps.durations.outputRecheck))
        throw new OutputUnavailableError(sentenceFor(deps, earlier.output));
      const toBeCopied = { ...toCopy(ref, output, wasUnavailable, earlier), metadata };
      const copy = await deps.copier.copy(toBeCopied, signal);
      const copied: Output = { ...placeOf(copy), name: safeFileName(name) };
      if (copied.differsFrom === undefined) {
        await deps.standing.note(where, copy);
        return copied;
      }
      const isKept = isSame(copied, earlier?.output);
      const { etag } = copy;
      const read = { output: copied, readAt: now, isKept, ...(etag !== undefined && { etag }) };
      await deps.earlierReads.put(id, attempt, index, read);
      if (!isKept) failures.push(new OutputUnavailableError(sentenceFor(deps, copied)));
      return copied;
    } catch (error) {
      // Go on with the other outputs.
      if (!(error instanceof OutputUnavailableError || error instanceof OutputRefusedError)) throw error;
      failures.push(error);
      return earlier?.output;
    }
  }

  const standing = copied.filter((output) => output !== undefined);
  const refused = failures.find((failure) => failure instanceof OutputRefusedError);
  const failure = failures.find((one) => one instanceof OutputUnavailableError) ?? refused;
  if (failure === undefined) return { kind: 'copied', outputs: standing };
  return {
    kind: 'incomplete',
    // While one output may still come, the refusal of another waits, so that every available output is copied.
    code: failure instanceof OutputRefusedError ? 'output_refused' : 'output_unavailable',
    message: `${failures.length} of ${outputs.length} outputs could not be copied. ${failure.message}`,
    outputs: standing,
  };
}

async function putAnswer(
  { putBytes }: CopyOutputsDeps,
  ref: ObjectRef,
  {
    content,
    source = JSON.stringify(content),
    text,
    finishReason,
    usage,
  }: Extract<TaskOutput, { kind: 'raw' }>,
  metadata: OutputMetadata,
): Promise<Output> {
  const merged = text === undefined ? '' : `,"text":${JSON.stringify(text)}`;
  const bytes = Buffer.from(`{"content":${source}${merged}}`);
  const copy = await putBytes(ref, bytes, 'application/json', metadata);
  const isInline = bytes.length <= LARGEST_INLINE_BYTES && keepsNumbers(source);
  return {
    ...placeOf(copy),
    name: 'answer.json',
    ...(finishReason !== undefined && { finishReason }),
    ...(usage !== undefined && { usage }),
    ...(isInline && { content: { content, ...(text !== undefined && { text }) } }),
  };
}

/** Whether parsing a JSON text keeps every number. An integer may have more digits than a JavaScript number. */
function keepsNumbers(json: string): boolean {
  const [...numbers] = json.matchAll(/"(?:[^"\\]|\\.)*"|(-?\d[\d.eE+-]*)/gs);
  return numbers.every(([, number = '0']) => {
    const value = Number(number);
    return Number.isFinite(value) && (/[.eE]/.test(number) || BigInt(number) === BigInt(value));
  });
}

function toCopy(
  ref: ObjectRef,
  { name, url, contentType, sizeBytes }: Extract<TaskOutput, { kind: 'file' }>,
  decode: boolean,
  earlier: EarlierRead | undefined,
): OutputToCopy {
  if (url === undefined)
    throw new OutputUnavailableError(
      `Wiro's record of "${safeFileName(name)}" names no address to fetch it from`,
    );
  const { output, etag } = earlier ?? {};
  return {
    ...ref,
    url,
    // A proxy may encode the output in passing. If it keeps doing so, the copy is decoded.
    decode,
    ...(contentType !== undefined && { contentType }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(output !== undefined && { before: { ...placeOf(output), ...(etag !== undefined && { etag }) } }),
  };
}

const isSame = (copied: Output, earlier: Output | undefined) =>
  copied.sha256 === earlier?.sha256 && copied.sizeBytes === earlier.sizeBytes;

/** Explains why an output that differs from Wiro's record does not count yet. */
function sentenceFor(
  { durations }: CopyOutputsDeps,
  { sizeBytes, contentType, differsFrom }: Output,
): string {
  const differences = [
    differsFrom?.sizeBytes !== undefined && `${sizeBytes} bytes instead of ${differsFrom.sizeBytes}`,
    differsFrom?.contentType !== undefined && `${contentType} instead of ${differsFrom.contentType}`,
  ].filter((difference) => difference !== false);
  const minutes = Math.ceil(durations.outputRecheck / 60_000);
  return `What came differs from Wiro's record (${differences.join(', ')}): it is kept if it is the same in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
}

const placeOf = ({ bucket, key, contentType, sizeBytes, sha256, differsFrom }: CopiedOutput) => ({
  bucket,
  key,
  contentType,
  sizeBytes,
  sha256,
  ...(differsFrom !== undefined && { differsFrom }),
});

import type { Generation, Output } from '../generation/generation.ts';
import { mapLimited } from '../limit.ts';
import { OutputRefusedError, OutputUnavailableError } from '../objects/errors.ts';
import { outputKey, safeFileName } from '../objects/output-key.ts';
import type { CopiedOutput, ObjectRef, OutputCopier } from '../objects/types.ts';
import type { TaskOutput } from '../wiro/types.ts';
import type { StandingOutputs } from './standing-outputs.ts';

export interface CopyOutputsDeps {
  readonly outputBucket: string;
  /** Ends in `/`. */
  readonly outputPrefix: string;
  readonly copier: OutputCopier;
  readonly standing: StandingOutputs;
  readonly putBytes: (ref: ObjectRef, bytes: Buffer, contentType: string) => Promise<CopiedOutput>;
  readonly collectAgain: (id: string) => Promise<void>;
}

export type CopiedOutputs =
  | { readonly kind: 'copied'; readonly outputs: readonly Output[] }
  /** `outputs` are those that stand. */
  | {
      readonly kind: 'incomplete';
      readonly code: 'output_unavailable' | 'output_refused';
      readonly message: string;
      readonly outputs: readonly Output[];
    };

const AT_ONCE = 3;
/** A language model's answer up to here is in the record, too. */
const LARGEST_INLINE_BYTES = 4 * 1024;

export interface CopyOptions {
  /** Some may stand already, by an earlier holder: these are not fetched again. */
  readonly isAgain?: boolean;
  /** Nothing is fetched any more: the outputs are those that stand. */
  readonly isOver?: boolean;
  /** Told of every output that stands. */
  readonly onStanding?: (index: number, output: Output) => Promise<void>;
}

/** Copies every output of a task to the output bucket, each whole or not at all. */
export async function copyOutputs(
  deps: CopyOutputsDeps,
  { id, attempt, outputFolder, trouble }: Pick<Generation, 'id' | 'attempt' | 'outputFolder' | 'trouble'>,
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
    const key = outputKey({ folder: outputFolder ?? `${deps.outputPrefix}${id}/`, attempt, index, name });
    const ref = { bucket: deps.outputBucket, key };
    try {
      if (output.kind === 'raw') return await putAnswer(deps, ref, output);
      const { url, contentType, sizeBytes } = output;
      const place = { ...ref, id, attempt, index };
      const found = isAgain ? await deps.standing.find(place, sizeBytes) : undefined;
      if (found !== undefined) return { ...placeOf(found), name: safeFileName(name) };
      if (isOver) throw new OutputUnavailableError('it was not copied');
      if (url === undefined)
        throw new OutputUnavailableError(
          `Wiro's record of "${safeFileName(name)}" names no address to fetch it from`,
        );
      const copy = await deps.copier.copy(
        {
          ...ref,
          url,
          // A proxy may have encoded it in passing; if it goes on doing so, that is how the output is to be had.
          decode: wasUnavailable,
          ...(contentType !== undefined && { contentType }),
          ...(sizeBytes !== undefined && { sizeBytes }),
        },
        signal,
      );
      await deps.standing.note(place, copy);
      return { ...placeOf(copy), name: safeFileName(name) };
    } catch (error) {
      // The others are copied all the same.
      if (!(error instanceof OutputUnavailableError || error instanceof OutputRefusedError)) throw error;
      failures.push(error);
      return undefined;
    }
  }

  const standing = copied.filter((output) => output !== undefined);
  const refused = failures.find((failure) => failure instanceof OutputRefusedError);
  const failure = failures.find((one) => one instanceof OutputUnavailableError) ?? refused;
  if (failure === undefined) return { kind: 'copied', outputs: standing };
  return {
    kind: 'incomplete',
    // While one may still come, the refusal of another waits: what can be had is had first.
    code: failure instanceof OutputRefusedError ? 'output_refused' : 'output_unavailable',
    message: `${failures.length} of ${outputs.length} outputs could not be copied: ${failure.message}`,
    outputs: standing,
  };
}

async function putAnswer(
  { putBytes }: CopyOutputsDeps,
  ref: ObjectRef,
  { content, text }: Extract<TaskOutput, { kind: 'raw' }>,
): Promise<Output> {
  const answer = { content, ...(text !== undefined && { text }) };
  const bytes = Buffer.from(JSON.stringify(answer));
  const copy = await putBytes(ref, bytes, 'application/json');
  return {
    ...placeOf(copy),
    name: 'answer.json',
    ...(bytes.length <= LARGEST_INLINE_BYTES && { content: answer }),
  };
}

const placeOf = ({ bucket, key, contentType, sizeBytes, sha256 }: CopiedOutput) => ({
  bucket,
  key,
  contentType,
  sizeBytes,
  sha256,
});

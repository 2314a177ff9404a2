import { RequestError } from '../generation/errors.ts';
import { InputAccessError } from '../objects/errors.ts';
import { archived, explainRefusal } from '../objects/explain-refusal.ts';
import type { InputStore } from '../objects/types.ts';
import type { AcceptedInput, AcceptedRequest } from '../request/accepted-request.ts';
import { LARGEST_INPUT_BYTES, requireSupportedKind } from '../request/file-kind.ts';
import { gatherProblems, MOST_PROBLEMS } from '../request/problems.ts';
import type { GenerationRequest } from '../request/request.ts';
import { mapLimited } from '../runtime/map-limited.ts';
import type { InputHandover } from '../settings.ts';

export interface AcceptInputsDeps {
  readonly inputs: Pick<InputStore, 'head'>;
  /** Decides whether file kinds that Wiro's upload refuses are refused here. @default 'upload' */
  readonly inputHandover?: InputHandover;
}

const HEADS_AT_ONCE = 10;

type NamedInput = GenerationRequest['inputs'][string][number] & {
  /** The parameter. */
  readonly name: string;
  /** The path of the source, as errors name it. */
  readonly field: string;
};

/**
 * Checks the inputs of a request, and reads what each object is now.
 * @param path - Goes before every field that an error names, such as `[3].`.
 * @throws {RequestError} With every problem of the inputs.
 */
export async function acceptInputs(
  deps: AcceptInputsDeps,
  inputs: readonly (readonly [string, GenerationRequest['inputs'][string]])[],
  path: string,
  hasTime = () => true,
): Promise<AcceptedRequest['inputs']> {
  const named: readonly NamedInput[] = inputs.flatMap(([name, sources]) =>
    sources.map((written, index) => ({
      ...written,
      name,
      field: `${path}inputs.${name}${sources.length > 1 ? `[${index}]` : ''}`,
    })),
  );
  let refused = 0;
  let isOutOfTime = false;
  const checked = await mapLimited(named, HEADS_AT_ONCE, async (one) => {
    isOutOfTime ||= !hasTime();
    if (isOutOfTime || refused >= MOST_PROBLEMS) return undefined;
    return await checkInput(deps, one).catch((error: unknown) => {
      if (!(error instanceof RequestError)) throw error;
      refused += 1;
      return error;
    });
  });
  const problems = gatherProblems();
  const accepted = new Map<string, AcceptedInput[]>();
  // In the order of the request, not of the answers.
  for (const one of checked)
    problems.check(() => {
      if (one instanceof RequestError) throw one;
      if (one !== undefined) accepted.set(one.name, [...(accepted.get(one.name) ?? []), one.input]);
    });
  problems.throwAny();
  if (isOutOfTime) throw new Error('No time is left to check the inputs of this request');
  return Object.fromEntries(accepted);
}

async function checkInput(
  { inputs, inputHandover }: AcceptInputsDeps,
  { name, text, source, field }: NamedInput,
): Promise<{ readonly name: string; readonly input: AcceptedInput }> {
  if (source.kind === 'url')
    return { name, input: { kind: 'url', text, url: source.url } satisfies AcceptedInput };
  const { bucket, key } = source;
  const object = await inputs.head({ bucket, key }).catch((error: unknown) => {
    throw error instanceof InputAccessError ? RequestError.of(explainRefusal(error, field)) : error;
  });
  if (object === undefined) {
    throw new RequestError(
      'input_not_found',
      `${field}: there is no object "${key}" in the bucket "${bucket}": put it there first, or correct the key.`,
      field,
    );
  }
  if (object.sizeBytes === 0) {
    throw new RequestError(
      'input_empty',
      `${field}: the object "${key}" is empty (0 bytes): put it again, whole.`,
      field,
    );
  }
  if (object.sizeBytes > LARGEST_INPUT_BYTES) {
    throw new RequestError(
      'input_too_large',
      `${field}: the object "${key}" has ${object.sizeBytes} bytes; Wiro accepts at most ${LARGEST_INPUT_BYTES} (100 MB): make it smaller.`,
      field,
    );
  }
  if (inputHandover !== 'presigned') requireSupportedKind(object, field);
  if (object.isArchived) throw RequestError.of(archived(object, field));
  const { etag, sizeBytes, contentType, versionId, checksum } = object;
  const input: AcceptedInput = {
    kind: 'object',
    text,
    bucket,
    key,
    etag,
    sizeBytes,
    ...(contentType && { contentType }),
    ...(versionId !== undefined && { versionId }),
    ...(checksum !== undefined && { checksum }),
  };
  return { name, input };
}

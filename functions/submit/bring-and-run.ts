import { addAbortSignal } from 'node:stream';
import { callbackUrl } from '../generation/callback-url.ts';
import type { GenerationError } from '../generation/errors.ts';
import { assertNever, type RunMark, type Submitting } from '../generation/generation.ts';
import { mark } from '../generation/transitions/submit.ts';
import { explainUnsupported } from '../intake/explain-model.ts';
import { explainUnauthorized } from '../intake/explain-unauthorized.ts';
import type { KnownModel } from '../intake/known-models.ts';
import type { AcceptedRequest } from '../request/accepted-request.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import { noteProgress } from '../store/deaths.ts';
import type { RunOutcome } from '../wiro/types.ts';
import { type BringInputsDeps, type BroughtInputs, bringInputs, freshSince } from './bring-inputs.ts';
import { explainInputFailure, mayPass, retryAfterOf, tooLittleBalance } from './explain-failure.ts';
import { failNow, stepBack, tryLater, wait } from './let-go.ts';
import { noteRefusal } from './lost-runs.ts';
import { recordTask } from './record-task.ts';
import type { SubmitEnd, WorkDeps } from './submit-deps.ts';

/** Brings the inputs to Wiro, takes a slot, and runs. */
export async function bringAndRun(deps: WorkDeps, generation: Submitting): Promise<SubmitEnd> {
  const { id, claim } = deps;
  const [request, parameters, known, isAgain] = await Promise.all([
    deps.generations.request(generation),
    deps.parameters(),
    deps.knownModel(generation.model, { acceptedAt: generation.createdAt }),
    isTakenUp(deps, generation),
  ]);
  // The model passed at acceptance because Wiro did not answer, or because of the release or the settings at that time.
  if (known?.kind === 'unsupportedModel')
    return await failNow(deps, explainUnsupported(generation.model, known.modelKind));
  const brought = await bring(deps, generation, request);
  // The Run and the write after it must fit into the remaining time.
  const neededMs =
    deps.durations.runLimit + deps.durations.runSendLimit + ('error' in brought ? 0 : brought.extraMs);
  if (claim.isTimeUp() || (!('error' in brought) && deps.remainingMs() < neededMs)) {
    return await tryLater(deps, {
      code: 'upstream_unavailable',
      message: 'Bringing the inputs to Wiro takes longer than a function may run.',
    });
  }
  claim.signal.throwIfAborted();
  if ('error' in brought) {
    const failure = explainInputFailure(brought.error);
    if (failure.code === 'upstream_unauthorized') deps.forgetParameters();
    if (!mayPass(failure)) return await failNow(deps, failure);
    return await tryLater(deps, { ...failure, retryAfterMs: retryAfterOf(brought.error) });
  }
  await noteHandover(deps, generation, brought);
  if (!(await deps.gate.take(generation, isAgain)))
    return await wait(deps, generation, { wasRefused: false });
  const url = callbackUrl(
    parameters.callbackBaseUrl,
    { deployment: generation.deployment, generationId: id, attempt: generation.attempt },
    parameters.callbackSecrets[0],
  );
  return await markAndRun(deps, { request, brought, known, url });
}

/** @returns The inputs, or their failure as a value. */
async function bring(
  deps: WorkDeps,
  generation: Submitting,
  request: AcceptedRequest,
): Promise<BroughtInputs | { readonly error: unknown }> {
  const { id, claim, notes } = deps;
  const bringing = bringInputs({ ...deps, ...underClaim(deps, generation) }, request, {
    generationId: id,
    holder: claim.holder,
    notBefore: freshSince(generation.freshUploads && generation.pastAttempts.at(-1)?.endedAt),
    hasLostRun: async () => (await notes.read(id, generation.attempt)).lostRuns !== undefined,
    signal: claim.signal,
  });
  return await untilAborted(claim.signal, bringing).catch((error: unknown) => ({ error }));
}

async function noteHandover(
  { id, notes }: WorkDeps,
  { attempt }: Submitting,
  { otherwise }: BroughtInputs,
): Promise<void> {
  if (otherwise === undefined) return;
  await notes.change(id, attempt, ({ handover }) =>
    handover?.by === otherwise.by && handover.isPinned === otherwise.isPinned
      ? undefined
      : { handover: otherwise },
  );
}

/** Everything that a Run is made of. */
interface RunToSend {
  readonly request: AcceptedRequest;
  readonly brought: BroughtInputs;
  readonly known: KnownModel | undefined;
  /** Where Wiro calls back. */
  readonly url: string;
}

async function markAndRun(deps: WorkDeps, toSend: RunToSend): Promise<SubmitEnd> {
  const { id, gate } = deps;
  const { reused: reusedUploads, extraMs } = toSend.brought;
  // One time limit covers the mark and the Run, on a clock that cannot be set. The mark's lease outlasts it.
  const begun = deps.monotonic();
  const marked = await deps.claim.write((current, moment) =>
    mark(current, { reusedUploads, extraMs }, moment),
  );
  // If another holder has the generation, that holder has the slot, too.
  if (marked.kind !== 'written') return await stepBack(deps, marked);
  const { generation } = marked;
  const { run } = generation;
  if (run === undefined) throw new Error(`The mark of ${id} was written without a run`);
  const outcome = await runOnce(deps, generation, toSend, deps.monotonic() - begun);
  switch (outcome.kind) {
    case 'ran': {
      const { taskId, taskToken } = outcome;
      return await recordTask(deps, generation, run, {
        id: taskId,
        ...(taskToken !== undefined && { token: taskToken }),
      });
    }
    case 'unknown':
      // The mark stands. Once its lease is over, the next holder searches. The task may exist, so it keeps its slot.
      log.warn('A Run was not answered', { generationId: id, why: outcome.message });
      if (outcome.refusal !== undefined) await noteRefused(deps, generation, run, outcome.refusal);
      await gate.noteRunEnd(generation).catch(logIgnored('reconcile clears what is over'));
      return { kind: 'later' };
    case 'notRun':
      return await settleRefusal(deps, generation, outcome);
    default:
      return assertNever(outcome);
  }
}

/** The revision of the first claim after acceptance. */
const FIRST_CLAIM = 2;

/** Whether an earlier holder may have had a slot in this attempt: it was killed, it froze, or its Run was not answered. */
async function isTakenUp({ notes }: WorkDeps, { id, attempt, revision }: Submitting): Promise<boolean> {
  if (revision <= FIRST_CLAIM) return false;
  const { lostRuns, deaths } = await notes.read(id, attempt);
  return lostRuns !== undefined || deaths !== undefined;
}

/** The inputs and uploads of one holder. Reads end with its time, and every upload counts as progress. */
function underClaim(
  { claim: { signal }, inputs, uploads, deaths, ...deps }: WorkDeps,
  generation: Submitting,
): Pick<BringInputsDeps, 'inputs' | 'uploads'> {
  let brought = 0;
  async function count(): Promise<void> {
    brought += 1;
    if (deaths !== undefined) await noteProgress(deps, generation, brought);
  }
  return {
    inputs: { open: async (input) => addAbortSignal(signal, await inputs.open(input)) },
    uploads: {
      ...uploads,
      async claim(...given) {
        const claim = await uploads.claim(...given);
        if (claim.kind === 'uploaded') await count();
        return claim;
      },
      async done(...given) {
        await uploads.done(...given);
        await count();
      },
    },
  };
}

// --- the Run and its answer -------------------------------------------------------------------------------------

async function runOnce(
  { wiro, durations }: WorkDeps,
  { model }: Submitting,
  { request, brought, known, url }: RunToSend,
  elapsedMs: number,
): Promise<RunOutcome> {
  if (elapsedMs > durations.runSendLimit) {
    return {
      kind: 'notRun',
      reason: 'unreachable',
      message: 'Writing the mark took too long. The Run was not sent.',
      why: 'writing the mark took too long, so the Run was not sent',
    };
  }
  return wiro.run({
    model,
    parameters: request.parameters,
    files: brought.files,
    ...(known?.kind === 'model' && { schema: known.schema }),
    callbackUrl: url,
    timeoutMs: durations.runLimit + brought.extraMs - elapsedMs,
  });
}

async function noteRefused(
  { id, notes }: WorkDeps,
  { attempt }: Submitting,
  run: RunMark,
  text: string,
): Promise<void> {
  await notes
    .change(id, attempt, (current) => noteRefusal(current, run, text))
    .catch(logIgnored('the next refusal is noted', { generationId: id }));
}

/** Wiro refused the Run, for certain: decides what that means for the generation. */
async function settleRefusal(
  deps: WorkDeps,
  generation: Submitting,
  outcome: Extract<RunOutcome, { kind: 'notRun' }>,
): Promise<SubmitEnd> {
  const { id, gate } = deps;
  log.info('A Run was refused', { generationId: id, reason: outcome.reason });
  if (outcome.reason === 'concurrencyLimit') {
    await gate.noteRefusal(generation, outcome.limit);
    return await wait(deps, generation, { wasRefused: true });
  }
  const failing = (code: GenerationError['code'], message: string, retryable: boolean) =>
    failNow(deps, {
      code,
      message,
      ...(outcome.field !== undefined && { field: `parameters.${outcome.field}` }),
      retryable,
    });
  switch (outcome.reason) {
    case 'busy':
    case 'unreachable':
      return await tryLater(deps, {
        code: 'upstream_unavailable',
        message: `Wiro could not take the Run (${outcome.why}).`,
        retryAfterMs: outcome.retryAfterMs,
      });
    case 'unauthorized':
      deps.forgetParameters();
      return await tryLater(deps, {
        code: 'upstream_unauthorized',
        message: explainUnauthorized(outcome),
      });
    case 'insufficientBalance':
      return await failNow(deps, tooLittleBalance(outcome));
    case 'notFound':
      return await failing(
        'model_not_found',
        `Wiro does not know this model, or this project may not use it (${outcome.why}). Nothing was run or charged: request it with another model, or have this one allowed for the project and retry with {"force": true}.`,
        false,
      );
    case 'invalid':
      return await failing(
        'invalid_parameter',
        `Wiro refused the request (${outcome.why}). Nothing was run or charged: correct it, and request it again.`,
        false,
      );
    case 'refused':
      return await failing(
        'upstream_refused',
        `Wiro refused the request (${outcome.why}). Nothing was run or charged: fix at Wiro what it names, and retry with {"force": true}, or request something else.`,
        false,
      );
    default:
      return assertNever(outcome.reason);
  }
}

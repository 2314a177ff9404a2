import { addAbortSignal } from 'node:stream';
import type { DeploymentParameters } from '../aws/parameters.ts';
import { logSetback, unexpectedSetback } from '../events/setback.ts';
import { callbackUrl } from '../generation/callback-url.ts';
import type { GenerationError } from '../generation/errors.ts';
import {
  assertNever,
  type Cancelled,
  type Failed,
  type Generation,
  hasEnded,
  type Queued,
  type RunMark,
  type Submitting,
} from '../generation/generation.ts';
import type { Moment } from '../generation/time.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { cancel, fail } from '../generation/transitions/end.ts';
import { claimToSubmit, joinLine, mark, requeue, startRunning } from '../generation/transitions/submit.ts';
import { isPatienceOver, type Setback } from '../generation/transitions/trouble.ts';
import { explainUnsupported } from '../intake/explain-model.ts';
import type { KnownModel } from '../intake/known-models.ts';
import type { AcceptedRequest } from '../request/accepted-request.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import type { Durations } from '../settings.ts';
import type { AttemptNotes, AttemptNotesStore, Deaths } from '../store/attempt-notes.ts';
import { type Claim, type ClaimWrite, type Step, takeClaim } from '../store/claim.ts';
import { MOST_DEATHS, noteProgress, noteSurvival } from '../store/deaths.ts';
import type { Gate } from '../store/gate.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import type { RunOutcome, Task, WiroClient } from '../wiro/types.ts';
import { type BringInputsDeps, type BroughtInputs, bringInputs, freshSince } from './bring-inputs.ts';
import { endedBeforeRun, explainInputFailure, mayPass, tooLittleBalance } from './explain-failure.ts';
import { explainUnauthorized } from './explain-unauthorized.ts';
import { findCalledBack, findLostTask } from './find-lost-task.ts';
import { isLosingForTooLong, noteRefusal, refusedForGood } from './lost-runs.ts';

export interface SubmitDeps extends Pick<BringInputsDeps, 'inputs' | 'uploads' | 'handover'> {
  readonly generations: GenerationStore;
  readonly notes: AttemptNotesStore;
  readonly gate: Gate;
  readonly wiro: Pick<WiroClient, 'run' | 'task' | 'tasks' | 'model' | 'upload'>;
  readonly knownModel: (model: string) => Promise<KnownModel | undefined>;
  readonly parameters: () => Promise<DeploymentParameters>;
  /** What was kept of the parameters did not work: they are read anew. */
  readonly forgetParameters: () => void;
  readonly announce: (id: string) => Promise<void>;
  /** Starts collecting a task that was called back before it was recorded. */
  readonly collect: (id: string) => Promise<void>;
  readonly durations: Durations;
  readonly clock: Clock;
  /** Milliseconds on a clock that nobody sets. */
  readonly monotonic: () => number;
  readonly createHolder: () => string;
  /** What is left of the function's time. */
  readonly remainingMs: () => number;
}

/** How one submission ended; `noTask` and `waiting` leave room for whoever waits. */
export type SubmitEnd =
  | { readonly kind: 'task' | 'noTask' | 'later' | 'elsewhere' }
  /** In line at the gate; `wasRefused` when Wiro said so with code 96, and not our own count. */
  | { readonly kind: 'waiting'; readonly generation: Generation; readonly wasRefused: boolean };

/** Brings a generation to Wiro: claim, inputs, slot, mark, Run, task. Safe to repeat and to die in anywhere. */
export async function submitGeneration(deps: SubmitDeps, id: string): Promise<SubmitEnd> {
  const taken = await takeClaim(deps, id, claimToSubmit);
  if (taken.kind === 'refused' && hasEnded(taken.generation)) {
    // Cancelled in line, and admitted all the same: the slot is somebody else's.
    await deps.gate.free(taken.generation, 'notRun').catch(logIgnored('reconcile clears what is over'));
    return { kind: 'noTask' };
  }
  if (taken.kind !== 'claimed') return { kind: 'elsewhere' };
  const { claim, generation, deaths } = taken;
  const work: WorkDeps = { ...deps, id, claim, ...(deaths && { deaths }) };
  let end: SubmitEnd;
  try {
    end = await submitClaimed(work, generation);
  } catch (error) {
    if (claim.isLost()) return { kind: 'elsewhere' };
    end = await releaseUnmarked(work, unexpectedSetback('A submission failed unexpectedly', id, error));
  } finally {
    await claim.stop();
  }
  if (deaths !== undefined && !claim.isLost()) await noteSurvival(deps, generation);
  return end;
}

/** What a submission has at hand once it has claimed its generation. */
interface WorkDeps extends SubmitDeps {
  readonly id: string;
  readonly claim: Claim<Submitting>;
  /** The deaths in a row before this claim. */
  readonly deaths?: Deaths;
}

async function submitClaimed(deps: WorkDeps, claimed: Submitting): Promise<SubmitEnd> {
  const deaths = deps.deaths?.count ?? 0;
  let generation = claimed;
  let unanswered: Unanswered | undefined;
  if (generation.run !== undefined) {
    const lost = await findLostTask(deps, generation, generation.run);
    if (lost.kind === 'found') {
      const end = await recordTask(deps, generation, generation.run, lost.task);
      await reportOthers(deps, lost.findOthers);
      return end;
    }
    if (lost.kind === 'unknown') return await failNow(deps, lost.error);
    if (lost.kind !== 'none') return lost;
    unanswered = { run: generation.run, notes: lost.notes };
    generation = lost.generation;
  }
  const isKilled = claimed.run === undefined && deaths >= MOST_DEATHS;
  // The last one was only to ask about a task that called back, and was killed too: there is nothing left to try.
  if (isKilled && deaths > MOST_DEATHS)
    return await failNow(deps, generation.callback?.taskId === undefined ? killed(deaths) : UNASKED);
  const called = await findCalledBack(deps, generation);
  if (called.kind === 'found') return await recordTask(deps, generation, called.run, called.task);
  if (called.kind === 'unreachable') return await tryLater(deps, called.setback);
  if (generation.cancelRequestedAt !== undefined) return await cancelNow(deps);
  if (isKilled) return await failNow(deps, killed(deaths));
  return (unanswered && (await endUnanswered(deps, unanswered))) ?? (await bringAndRun(deps, generation));
}

const killed = (deaths: number): GenerationError => ({
  code: 'function_killed',
  message: `The function that brings the inputs to Wiro was killed ${deaths} times in a row, without one upload more: it ran out of time or memory. Nothing was run, nothing is charged. Request it with smaller inputs, or retry.`,
  retryable: true,
});

const UNASKED: GenerationError = {
  code: 'submission_unknown',
  message:
    'Wiro called back for a task of this generation, but asking about it killed the function every time. It may be charged: look at the project\'s tasks at Wiro, then retry with {"force": true}, which runs it again.',
  retryable: false,
};

/** A Run that Wiro did not answer with anything certain, and that made no task. */
interface Unanswered {
  readonly run: RunMark;
  readonly notes: AttemptNotes;
}

/** @returns Nothing where it is to run again at once: the first answer that is lost is bad luck. */
async function endUnanswered(deps: WorkDeps, { run, notes }: Unanswered): Promise<SubmitEnd | undefined> {
  const { durations } = deps;
  const refusal = refusedForGood(notes, run, durations);
  if (refusal !== undefined) {
    return await failNow(deps, {
      code: 'upstream_refused',
      message: `Wiro refuses the request every time (${refusal}). No task was made, nothing is charged: correct the request, or mend at Wiro what it says and retry.`,
      retryable: true,
    });
  }
  const { lostRuns } = notes;
  const said = notes.refusal === undefined ? '' : ` The last that it said: ${notes.refusal.text}`;
  const setback: Setback = {
    code: 'upstream_unavailable',
    message: `Wiro does not answer whether it runs this, tried ${lostRuns?.count ?? 1} times. No task was made, nothing is charged.${said}`,
  };
  if (isLosingForTooLong(lostRuns, moment(deps).now, durations))
    return await failNow(deps, { ...setback, retryable: true });
  return (lostRuns?.count ?? 1) > 1 ? await tryLater(deps, setback) : undefined;
}

// --- inputs, slot, mark, Run ----------------------------------------------------------------------------------

async function bringAndRun(deps: WorkDeps, generation: Submitting): Promise<SubmitEnd> {
  const { id, claim } = deps;
  const request = await deps.generations.request(generation);
  const [parameters, known, brought] = await Promise.all([
    deps.parameters(),
    deps.knownModel(generation.model),
    bring(deps, generation, request),
  ]);
  // Bringing the inputs and a Run, with what is written after it, must fit in.
  const neededMs =
    deps.durations.runLimit + deps.durations.runSendLimit + ('error' in brought ? 0 : brought.extraMs);
  if (claim.isTimeUp() || (!('error' in brought) && deps.remainingMs() < neededMs)) {
    return await tryLater(deps, {
      code: 'upstream_unavailable',
      message: 'Bringing the inputs to Wiro takes longer than a function has.',
    });
  }
  claim.signal.throwIfAborted();
  // Accepted while Wiro could not say, or by a release or a setting that let it pass.
  if (known?.kind === 'unsupportedModel')
    return await failNow(deps, explainUnsupported(generation.model, known.modelKind));
  if ('error' in brought) {
    const failure = explainInputFailure(brought.error);
    if (failure.code === 'upstream_unauthorized') deps.forgetParameters();
    return mayPass(failure) ? await tryLater(deps, failure) : await failNow(deps, failure);
  }
  await noteHandover(deps, generation, brought);
  if (!(await deps.gate.take(generation, await isTakenUp(deps, generation))))
    return await wait(deps, generation, { wasRefused: false });
  const url = callbackUrl(
    parameters.callbackBaseUrl,
    { deployment: generation.deployment, generationId: id, attempt: generation.attempt },
    parameters.callbackSecrets[0],
  );
  return await markAndRun(deps, { request, brought, known, url });
}

/** @returns The failure as a value: the model is looked at before the inputs. */
async function bring(
  deps: WorkDeps,
  generation: Submitting,
  request: AcceptedRequest,
): Promise<BroughtInputs | { readonly error: unknown }> {
  const { id, claim, notes } = deps;
  const bringing = bringInputs({ ...deps, ...stopping(deps, generation) }, request, {
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

/** All that a Run is made of. */
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
  // From here to the answer there is one limit, on a clock that cannot be set; the mark's lease outlasts it.
  const begun = deps.monotonic();
  const marked = await deps.claim.write((current, moment) =>
    mark(current, { reusedUploads, extraMs }, moment),
  );
  // Once another holder has the generation, the slot is that holder's.
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
      // The mark stands: once its lease is over, whoever looks searches. The slot is kept, for the task may exist.
      log.warn('A Run was not answered', { generationId: id, why: outcome.message });
      if (outcome.refusal !== undefined) await noteRefused(deps, generation, run, outcome.refusal);
      await gate.noteRunEnd(generation).catch(logIgnored('reconcile clears what is over'));
      return { kind: 'later' };
    case 'notRun':
      return await notRun(deps, generation, outcome);
    default:
      return assertNever(outcome);
  }
}

/** Of one that was just accepted. */
const FIRST_CLAIM = 2;

/** Whether an earlier holder may have had a slot in this attempt: it was killed, or froze, or its Run was not answered. */
async function isTakenUp({ notes }: WorkDeps, { id, attempt, revision }: Submitting): Promise<boolean> {
  if (revision <= FIRST_CLAIM) return false;
  const { lostRuns, deaths } = await notes.read(id, attempt);
  return lostRuns !== undefined || deaths !== undefined;
}

/** The inputs and uploads of one holder: what it reads ends with its time, and what it brings is progress. */
function stopping(
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
      message: 'Writing the mark took too long; the Run was not sent.',
      why: 'writing the mark took too long, and it was not sent',
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

async function notRun(
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
        `Wiro refused the request (${outcome.why}). Nothing was run or charged: mend at Wiro what it says, and retry with {"force": true}, or request something else.`,
        false,
      );
    default:
      return assertNever(outcome.reason);
  }
}

// --- ends -----------------------------------------------------------------------------------------------------

/** Records the task: it is paid for, so this is tried until it stands or another task stands there. */
async function recordTask(
  deps: WorkDeps,
  generation: Submitting,
  run: RunMark,
  task: Pick<Task, 'id' | 'token'>,
): Promise<SubmitEnd> {
  const { id, generations, gate } = deps;
  const names = { id: task.id, ...(task.token !== undefined && { token: task.token }) };
  const recorded = await persistently(id, () =>
    generations.update(generation, (current) =>
      startRunning(current, run, generation.attempt, names, moment(deps)),
    ),
  );
  if (recorded.kind === 'refused' || recorded.kind === 'missing') {
    reportSecond(id, task.id);
    return { kind: 'elsewhere' };
  }
  log.info('A task runs', { generationId: id, taskId: task.id });
  await gate.noteRunEnd(recorded.generation).catch(logIgnored('reconcile clears what is over'));
  if (recorded.generation.callback !== undefined)
    await deps.collect(id).catch(logIgnored('reconcile collects what is due'));
  await deps.announce(id).catch(logIgnored('reconcile announces what is due'));
  return { kind: 'task' };
}

const reportSecond = (generationId: string, taskId: string) =>
  log.error(
    'A second task was made for one attempt: look at both at Wiro',
    { generationId, taskId, alarm: 'second_task' },
    { SecondTask: 1 },
  );

/** The task that was found is safe by now. Whether the same Run made another is looked at as far as there is time. */
async function reportOthers(
  { id, monotonic, remainingMs, durations }: WorkDeps,
  findOthers: (hasTime: () => boolean) => Promise<readonly string[]>,
): Promise<void> {
  const begun = monotonic();
  const hasTime = () => monotonic() - begun < durations.runLimit && remainingMs() > durations.markLease;
  for (const taskId of await findOthers(hasTime)) reportSecond(id, taskId);
}

async function wait(
  deps: WorkDeps,
  { attempt }: Submitting,
  { wasRefused }: { readonly wasRefused: boolean },
): Promise<SubmitEnd> {
  const { id, claim, gate, notes } = deps;
  const { now } = moment(deps);
  // Without the note it waits longer, and no more: a mark that a refusal has answered must not lead to a search.
  const noted = await notes
    .joinedLine(id, attempt, now)
    .catch(logIgnored('its wait counts from its last look', { generationId: id }));
  const joinedLineAt = noted?.joinedLineAt ?? now;
  const away = await claim.write((current, moment) => joinLine(current, joinedLineAt, moment));
  if (away.kind !== 'written') return await stepBack(deps, away);
  await gate.joinLine(away.generation);
  return { kind: 'waiting', generation: away.generation, wasRefused };
}

/** Puts it back for later; once the same has failed for too long, it fails for good. */
async function tryLater(deps: WorkDeps, setback: Setback): Promise<SubmitEnd> {
  const patience = patienceFor(setback, deps.durations);
  return await endWith(deps, (current, moment) => requeuedOrFailed(current, setback, patience, moment));
}

function requeuedOrFailed(
  current: Submitting,
  setback: Setback,
  patienceMs: number,
  moment: Moment,
): Queued | Failed | undefined {
  if (!isPatienceOver(current, setback.code, patienceMs, moment)) return requeue(current, setback, moment);
  const { code, message } = endedBeforeRun(setback);
  return fail(current, { code, message, retryable: true }, {}, moment);
}

function patienceFor({ code }: Setback, durations: Durations): number {
  if (code === 'upstream_unauthorized') return durations.unauthorizedPatience;
  // As long as collecting waits for one.
  return code === 'task_unreadable' ? durations.refusalPatience : durations.patience;
}

/** After a failure that nobody foresaw. A mark may mean a task: then the claim runs out, and a search comes first. */
async function releaseUnmarked(deps: WorkDeps, setback: Setback): Promise<SubmitEnd> {
  const { patience } = deps.durations;
  const released = await deps.claim.write((current, moment) =>
    current.run === undefined ? requeuedOrFailed(current, setback, patience, moment) : undefined,
  );
  return released.kind === 'written' ? await letGo(deps, released.generation) : { kind: 'later' };
}

async function failNow(deps: WorkDeps, error: GenerationError): Promise<SubmitEnd> {
  return await endWith(deps, (current, moment) => fail(current, endedBeforeRun(error), {}, moment));
}

async function cancelNow(deps: WorkDeps): Promise<SubmitEnd> {
  return await endWith(deps, (current, moment) => cancel(current, {}, moment));
}

/** Ends this submission without a task. */
async function endWith(
  deps: WorkDeps,
  step: Step<Submitting, Queued | Failed | Cancelled>,
): Promise<SubmitEnd> {
  const outcome = await deps.claim.write(step);
  return outcome.kind === 'written' ? await letGo(deps, outcome.generation) : await stepBack(deps, outcome);
}

/** Frees the slot, and announces or logs what the generation has come to. */
async function letGo(
  { id, gate, announce }: WorkDeps,
  generation: Queued | Failed | Cancelled,
): Promise<SubmitEnd> {
  await gate.free(generation, 'notRun').catch(logIgnored('reconcile clears what is over'));
  if (generation.status === 'queued') {
    logSetback('Submitting is tried again later', generation);
    return { kind: 'later' };
  }
  await announce(id).catch(logIgnored('reconcile announces what is due'));
  return { kind: 'noTask' };
}

/** After a write that did not happen: cancels the generation, or leaves it to its next holder. */
async function stepBack(
  deps: WorkDeps,
  { kind }: Exclude<ClaimWrite, { readonly kind: 'written' }>,
): Promise<SubmitEnd> {
  return kind === 'cancelWished' ? await cancelNow(deps) : { kind: 'elsewhere' };
}

const RECORD_TRIES = 8;

async function persistently<T>(generationId: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === RECORD_TRIES) throw error;
      log.warn('A task could not be recorded yet', { generationId, error });
      await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries));
    }
  }
}

const moment = ({ clock, durations }: Pick<SubmitDeps, 'clock' | 'durations'>) => ({
  now: timestamp(clock()),
  durations,
});

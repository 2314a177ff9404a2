import { logSetback } from '../events/setback.ts';
import type { GenerationError } from '../generation/errors.ts';
import type { Cancelled, Failed, Queued, Submitting } from '../generation/generation.ts';
import type { Moment } from '../generation/time.ts';
import { cancel, fail } from '../generation/transitions/end.ts';
import { joinLine, requeue } from '../generation/transitions/submit.ts';
import { isPatienceOver, type Setback } from '../generation/transitions/trouble.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Durations } from '../settings.ts';
import type { ClaimWrite, Step } from '../store/claim.ts';
import { explainEndBeforeRun } from './explain-failure.ts';
import { moment, type SubmitEnd, type WorkDeps } from './submit-deps.ts';

// How a submission without a task lets go of its generation: in line, put off, failed or cancelled.

/** Puts the generation in line for a slot. */
export async function wait(
  deps: WorkDeps,
  { attempt }: Submitting,
  { wasRefused }: { readonly wasRefused: boolean },
): Promise<SubmitEnd> {
  const { id, claim, gate, notes } = deps;
  const { now } = moment(deps);
  // A failure of this note may only make the wait longer. If it ended the submission, a mark that a refusal has answered
  // would stay, and lead to a search.
  const noted = await notes
    .joinedLine(id, attempt, now)
    .catch(logIgnored('its wait counts from its last look', { generationId: id }));
  const joinedLineAt = noted?.joinedLineAt ?? now;
  const away = await claim.write((current, moment) => joinLine(current, joinedLineAt, moment));
  if (away.kind !== 'written') return await stepBack(deps, away);
  const isAwaited = await gate.joinLine(away.generation);
  return { kind: 'waiting', generation: away.generation, wasRefused, isAwaited };
}

/** Puts the generation back into the queue after a setback. Once the same setback has lasted for too long, fails. */
export async function tryLater(deps: WorkDeps, setback: Setback): Promise<SubmitEnd> {
  const patience = patienceFor(setback, deps.durations);
  return await endWith(deps, (current, moment) => requeueOrFail(current, setback, patience, moment));
}

function requeueOrFail(
  current: Submitting,
  setback: Setback,
  patienceMs: number,
  moment: Moment,
): Queued | Failed | undefined {
  if (!isPatienceOver(current, setback.code, patienceMs, moment)) return requeue(current, setback, moment);
  const { code, message } = explainEndBeforeRun(setback);
  return fail(current, { code, message, retryable: true }, {}, moment);
}

function patienceFor({ code }: Setback, durations: Durations): number {
  if (code === 'upstream_unauthorized') return durations.unauthorizedPatience;
  // The same patience as collecting has with an unreadable task.
  return code === 'task_unreadable' ? durations.refusalPatience : durations.patience;
}

/** After an unexpected failure. If a mark stands, a task may exist: lets the claim run out, so that a search comes first. */
export async function releaseUnmarked(deps: WorkDeps, setback: Setback): Promise<SubmitEnd> {
  const { patience } = deps.durations;
  const released = await deps.claim.write((current, moment) =>
    current.run === undefined ? requeueOrFail(current, setback, patience, moment) : undefined,
  );
  return released.kind === 'written' ? await letGo(deps, released.generation) : { kind: 'later' };
}

export async function failNow(deps: WorkDeps, error: GenerationError): Promise<SubmitEnd> {
  return await endWith(deps, (current, moment) => fail(current, explainEndBeforeRun(error), {}, moment));
}

export async function cancelNow(deps: WorkDeps): Promise<SubmitEnd> {
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

/** Frees the slot, and announces the end or logs the setback. */
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

/** After a write that was not made: cancels the generation, or leaves it to its next holder. */
export async function stepBack(
  deps: WorkDeps,
  { kind }: Exclude<ClaimWrite, { readonly kind: 'written' }>,
): Promise<SubmitEnd> {
  return kind === 'cancelWished' ? await cancelNow(deps) : { kind: 'elsewhere' };
}

import type { GenerationError } from '../generation/errors.ts';
import type { Collecting, Output } from '../generation/generation.ts';
import { isPastDeadline, isToStop, readLater, rerun } from '../generation/transitions/collect.ts';
import { cancel, fail, succeed } from '../generation/transitions/end.ts';
import type { Account } from '../generation/transitions/parts.ts';
import { isPatienceOver } from '../generation/transitions/trouble.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { TaskError } from '../store/attempt-notes.ts';
import type { CopyPlaces } from '../store/copy-places.ts';
import { MOST_DEATHS } from '../store/deaths.ts';
import type { Task } from '../wiro/types.ts';
import { moment, type WorkDeps } from './collect-deps.ts';
import { type Copies, copyInTurn, cutShortSetback, inLineSetback } from './copy-in-turn.ts';
import { capital, chargeOf, deadlineError, killedError, PAID, sentence } from './explain-end.ts';
import { finish, later } from './let-go.ts';
import { hasStoodAtError } from './task-error.ts';

/** Whether the generation was worked on, or went into line for a place to copy. */
export type Collected = 'tried' | 'inLine';

/** A success without outputs is believed after this many reads of the task. */
const EMPTY_READS = 3;

export async function recordCancelled(
  deps: WorkDeps,
  generation: Collecting,
  account: Account,
): Promise<void> {
  const isWished = generation.cancelRequestedAt !== undefined;
  if (!isWished && isPastDeadline(generation, moment(deps)))
    return await finish(deps, (current, moment) =>
      fail(current, deadlineError(generation, account), account, moment),
    );
  // We stopped the task because it stood at an error. That error is its end, even if the task moved in between.
  const stopped = isWished ? undefined : await readStopNote(deps, generation);
  if (stopped !== undefined) return await endFailed(deps, generation, stopped.text, account);
  await finish(deps, (current, moment) => cancel(current, account, moment));
}

export async function recordFailed(
  deps: WorkDeps,
  generation: Collecting,
  task: Task,
  account: Account,
): Promise<void> {
  // For a task that we stopped, report the error at which it stood. Kill may have left another text.
  const stopped = hasStoodAtError(generation) ? await readStopNote(deps, generation) : undefined;
  await endFailed(deps, generation, stopped?.text ?? task.errorText?.trim(), account);
}

/** Records that the model failed. Runs once more if reused uploads may be the cause. */
async function endFailed(
  deps: WorkDeps,
  generation: Collecting,
  text: string | undefined,
  account: Account,
): Promise<void> {
  const { id } = deps;
  const error: GenerationError =
    isPastDeadline(generation, moment(deps)) && generation.stop !== undefined
      ? deadlineError(generation, account)
      : {
          code: 'model_failed',
          message: `${sentence(`The model failed: ${text || 'Wiro gives no reason'}`)} ${capital(chargeOf(account))}. Retry it to run anew, or request it with other parameters.`,
          retryable: true,
        };
  const mayBeStale =
    generation.run.reusedUploads &&
    !generation.freshUploads &&
    !account.costUsd &&
    !isToStop(generation, moment(deps));
  if (!mayBeStale) return await finish(deps, (current, moment) => fail(current, error, account, moment));
  const again = await deps.claim.write((current, moment) => rerun(current, error, moment));
  if (again.kind !== 'written') return;
  log.info('A run with reused uploads failed and goes once more with fresh ones', { generationId: id });
  await deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id }));
}

/** The note on a task that was stopped because it stood at an error. */
async function readStopNote(
  { id, notes }: WorkDeps,
  { attempt }: Collecting,
): Promise<TaskError | undefined> {
  const { taskError } = await notes.read(id, attempt);
  return taskError?.stoppedAt === undefined ? undefined : taskError;
}

export async function recordSucceeded(
  deps: WorkDeps,
  generation: Collecting,
  { outputs }: Task,
  account: Account,
): Promise<Collected> {
  if (outputs.length === 0 && generation.emptyReads + 1 < EMPTY_READS) {
    await readAgain(deps, generation);
    return 'tried';
  }
  const copies = await copyInTurn(deps, generation, outputs);
  if (copies.kind === 'inLine') {
    await waitInLine(deps, generation, copies.copyPlaces);
    return 'inLine';
  }
  if (copies.kind === 'incomplete') await recordIncomplete(deps, generation, copies, account);
  else if (await putOutputs(deps, generation, copies.outputs))
    await finish(deps, (current, moment) => succeed(current, account, moment));
  return 'tried';
}

async function readAgain({ claim }: WorkDeps, { id, emptyReads }: Collecting): Promise<void> {
  const read = await claim.write(readLater);
  if (read.kind !== 'written') return;
  log.warn('A task succeeded without outputs: it is read again before that is believed', {
    generationId: id,
    tries: emptyReads + 1,
    nextTryAt: read.generation.dueAt,
  });
}

async function waitInLine(deps: WorkDeps, generation: Collecting, copyPlaces: CopyPlaces): Promise<void> {
  if (!(await later(deps, inLineSetback(generation, copyPlaces)))) return;
  if (await copyPlaces.join(generation)) deps.collectNext(deps.id);
}

async function recordIncomplete(
  deps: WorkDeps,
  generation: Collecting,
  copies: Extract<Copies, { kind: 'incomplete' }>,
  account: Account,
): Promise<void> {
  const { code, message } = copies;
  if (copies.isCutShort) {
    await later(deps, cutShortSetback(generation));
    return deps.collectNext(generation.id);
  }
  const deaths = deps.deaths?.count ?? 0;
  const isKilled = deaths >= MOST_DEATHS;
  const { outputPatience } = deps.durations;
  const mayStillCome =
    !isKilled &&
    code === 'output_unavailable' &&
    !copies.isLast &&
    !isPatienceOver(generation, code, outputPatience, moment(deps));
  if (mayStillCome) {
    await later(deps, { code, message });
    return;
  }
  // Keep the outputs that were copied: they are paid for.
  if (!(await putOutputs(deps, generation, copies.outputs))) return;
  const error: GenerationError = isKilled
    ? killedError(deaths)
    : { code, message: `${sentence(message)} ${PAID[code](generation)}`, retryable: true };
  await finish(deps, (current, moment) => fail(current, error, account, moment));
}

/** @returns Whether the outputs are written. If not, another holder has the generation. */
async function putOutputs(
  { id, claim, generations }: WorkDeps,
  { attempt }: Collecting,
  outputs: readonly Output[],
): Promise<boolean> {
  const revision = await claim.fence();
  return revision !== undefined && (await generations.putOutputs(id, { attempt, revision, outputs }));
}

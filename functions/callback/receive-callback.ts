import { type CallbackPath, isSigned } from '../generation/callback-url.ts';
import { type Generation, hasEnded } from '../generation/generation.ts';
import { mayBeUnknown, proofOf } from '../generation/task-hint.ts';
import type { Moment } from '../generation/time.ts';
import { noteCallback } from '../generation/transitions/note-callback.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { CallbackNotes } from '../store/callback-notes.ts';
import type { GenerationStore, Updated } from '../store/generation-store.ts';
import type { TaskHints } from '../store/task-hints.ts';
import { parseHint } from '../wiro/answers/parse-hint.ts';

export interface ReceiveCallbackDeps {
  readonly deployment: string;
  /** The current secret first. @throws If they cannot be read: then a signature is neither right nor wrong. */
  readonly secrets: () => Promise<readonly string[]>;
  /** Reads the secrets anew, but not for every caller. @throws As `secrets` does. */
  readonly renewedSecrets: () => Promise<readonly string[]>;
  readonly generations: Pick<GenerationStore, 'update'>;
  readonly callbacks: CallbackNotes;
  readonly hints: TaskHints;
  readonly startCollecting: (generationId: string) => Promise<void>;
  readonly moment: () => Moment;
}

export type CallbackOutcome =
  | { readonly kind: 'noted' }
  /** Too late, or of another attempt. Its task is not recorded, so it is kept for a retry. */
  | { readonly kind: 'kept' }
  /** Changes nothing. */
  | { readonly kind: 'over' }
  | { readonly kind: 'forged' };

/** Notes what a callback announces. Reads the body only if the signature is right. */
export async function receiveCallback(
  deps: ReceiveCallbackDeps,
  callback: CallbackPath,
  body: () => string,
): Promise<CallbackOutcome> {
  if (!(await isOurs(deps, callback))) return { kind: 'forged' };
  const { startCollecting } = deps;
  const { generationId, attempt } = callback;
  const hint = parseHint(body());
  const noted = await note(deps, callback, hint);
  if (noted.kind === 'refused' && hint !== undefined && mayBeUnknown(noted.generation, attempt, hint)) {
    await keepLate(deps, noted.generation, callback, hint);
    return { kind: 'kept' };
  }
  if (noted.kind === 'refused' || noted.kind === 'missing') {
    log.info('A callback changed nothing', { generationId, attempt });
    return { kind: 'over' };
  }
  // The Run's answer may be lost. If Wiro does not confirm the task before the end, a retry asks about it again.
  if (hint !== undefined && mayBeUnknown(noted.generation, attempt, hint))
    await keepHint(deps, callback, hint);
  // From here on nothing can be lost: the note makes the generation due, and `reconcile` finds what is due.
  await startCollecting(generationId).catch(logIgnored('reconcile collects what is due', { generationId }));
  return { kind: 'noted' };
}

/** Notes it in one write. If that changes nothing, or if no task is named, decides on what stands. */
async function note(
  { generations, callbacks, moment }: ReceiveCallbackDeps,
  { generationId, attempt }: CallbackPath,
  hint: string | undefined,
): Promise<Updated> {
  if (hint !== undefined) {
    const generation = await callbacks.note(generationId, attempt, hint, moment());
    if (generation !== undefined) return { kind: 'written', generation };
  }
  return generations.update(generationId, (current) =>
    hasEnded(current) || current.attempt !== attempt
      ? undefined
      : noteCallback(current, attempt, hint, moment()),
  );
}

/** @returns Whether this is the first hint of its attempt. */
const keepHint = (
  { hints, moment }: ReceiveCallbackDeps,
  { generationId, attempt, signature }: CallbackPath,
  taskId: string,
): Promise<boolean> =>
  hints.keep(generationId, { attempt, taskId, seenAt: moment().now, proof: proofOf(signature) });

/** Keeps a task that was named after the end. A retry collects it instead of running again. */
async function keepLate(
  deps: ReceiveCallbackDeps,
  generation: Generation,
  callback: CallbackPath,
  taskId: string,
): Promise<void> {
  const { generationId, attempt } = callback;
  const isFirst = await keepHint(deps, callback, taskId);
  const facts = { generationId, attempt, taskId };
  log.info('A callback named a task after its attempt had ended: a retry collects it', facts);
  const isRunAgain = attempt < generation.attempt && 'run' in generation && generation.run !== undefined;
  if (isFirst && isRunAgain)
    log.error(
      'The Run of an earlier attempt made a task after all: look at both at Wiro',
      { ...facts, alarm: 'second_task' },
      { SecondTask: 1 },
    );
}

async function isOurs(
  { deployment, secrets, renewedSecrets }: ReceiveCallbackDeps,
  callback: CallbackPath,
): Promise<boolean> {
  if (callback.deployment !== deployment) return false;
  // After a rotation, `submit` may sign with a secret that this function has not read yet.
  return isSigned(callback, await secrets()) || isSigned(callback, await renewedSecrets());
}

import { type CallbackPath, isSigned } from '../generation/callback-url.ts';
import { hasEnded } from '../generation/generation.ts';
import { type Clock, timestamp } from '../generation/time.ts';
import { calledBack } from '../generation/transitions.ts';
import { ignore } from '../ignore.ts';
import { log } from '../log.ts';
import type { Durations } from '../settings.ts';
import type { GenerationStore } from '../store/generation-store.ts';
import { parseHint } from './parse-hint.ts';

export interface ReceiveCallbackDeps {
  readonly deployment: string;
  /** Current one first. @throws When they cannot be read: then nothing is known, neither yes nor no. */
  readonly secrets: () => Promise<readonly string[]>;
  /** Read anew, though not for every one who asks. @throws As `secrets` does. */
  readonly renewedSecrets: () => Promise<readonly string[]>;
  readonly generations: Pick<GenerationStore, 'update'>;
  readonly startCollecting: (generationId: string) => Promise<void>;
  readonly durations: Durations;
  readonly clock: Clock;
}

export type CallbackOutcome =
  | { readonly kind: 'noted' }
  /** Too late, of another attempt, or of a generation that is not there: whoever sent it can stop. */
  | { readonly kind: 'over' }
  | { readonly kind: 'forged' };

/** Notes what a callback announces. The body is looked at only once the signature is right. */
export async function receiveCallback(
  deps: ReceiveCallbackDeps,
  callback: CallbackPath,
  body: () => string,
): Promise<CallbackOutcome> {
  if (!(await isOurs(deps, callback))) return { kind: 'forged' };
  const { generations, startCollecting, durations, clock } = deps;
  const { generationId, attempt } = callback;
  const moment = { now: timestamp(clock()), durations };
  const noted = await generations.update(generationId, (current) =>
    hasEnded(current) || current.attempt !== attempt
      ? undefined
      : calledBack(current, attempt, parseHint(body()), moment),
  );
  if (noted.kind === 'refused' || noted.kind === 'missing') {
    log.info('A callback changed nothing', { generationId, attempt });
    return { kind: 'over' };
  }
  // From here on nothing can be lost: the note makes the generation due, and `reconcile` sees what is due.
  await startCollecting(generationId).catch(ignore('reconcile collects what is due', { generationId }));
  return { kind: 'noted' };
}

async function isOurs(
  { deployment, secrets, renewedSecrets }: ReceiveCallbackDeps,
  callback: CallbackPath,
): Promise<boolean> {
  if (callback.deployment !== deployment) return false;
  // After a rotation `submit` may sign with a secret that is not known here yet.
  return isSigned(callback, await secrets()) || isSigned(callback, await renewedSecrets());
}

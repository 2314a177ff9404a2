import {
  type CallbackPath,
  type CallbackSubject,
  isSigned,
  parseCallbackUrl,
} from '../generation/callback-url.ts';
import type { Generation } from '../generation/generation.ts';
import { proofOf, type TaskHint } from '../generation/task-hint.ts';
import { isTooOld, type SentRun } from './task-age.ts';
import type { Task, WiroClient } from './types.ts';

/** The callback URL of one attempt. */
export interface OurCallback extends CallbackSubject {
  /** Whether a signature is one of ours. */
  readonly isKnown: (callback: CallbackPath) => boolean;
}

export interface HintedTask extends OurCallback, SentRun {
  readonly taskId: string;
  /** For the whole call, in milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * Confirms a task that a signed callback named. Only Wiro and this deployment know a signed URL, but the callback's body
 * is no evidence: the task must exist, be no older than the Run, and show no callback URL other than the signed one.
 * @returns The task. `undefined` if it cannot be the one.
 */
export async function confirmTask(
  wiro: Pick<WiroClient, 'task'>,
  hinted: HintedTask,
): Promise<Task | undefined> {
  const task = await wiro.task({ taskId: hinted.taskId }, hinted.timeoutMs);
  if (task === undefined || isTooOld(task, hinted)) return undefined;
  return !task.callbackUrl || judgeUrl(task.callbackUrl, hinted) === 'ours' ? task : undefined;
}

/** Confirms the task that a callback of the current attempt named. */
export async function confirmHint(
  wiro: Pick<WiroClient, 'task'>,
  {
    hintedTaskId,
    secrets,
    ...run
  }: CallbackSubject & SentRun & { readonly secrets: readonly string[]; readonly hintedTaskId?: string },
): Promise<Task | undefined> {
  if (hintedTaskId === undefined) return undefined;
  return confirmTask(wiro, {
    ...run,
    taskId: hintedTaskId,
    isKnown: (callback) => isSigned(callback, secrets),
  });
}

/** Confirms a task that a callback named after its attempt had ended. Needs no secret: the hint proves the signature. */
export const confirmKept = (
  wiro: Pick<WiroClient, 'task'>,
  { id, deployment, createdAt }: Pick<Generation, 'id' | 'deployment' | 'createdAt'>,
  { attempt, taskId, proof }: TaskHint,
  limits: Pick<HintedTask, 'marginMs' | 'timeoutMs'>,
): Promise<Task | undefined> =>
  confirmTask(wiro, {
    ...limits,
    deployment,
    generationId: id,
    attempt,
    taskId,
    startedAt: createdAt,
    isKnown: ({ signature }) => proofOf(signature) === proof,
  });

/**
 * Whether a task's callback URL is ours. An unknown signature proves nothing, neither yes nor no: secrets rotate,
 * releases roll back, and another deployment of the same name may share the project at Wiro.
 */
export function judgeUrl(
  url: string,
  { deployment, generationId, attempt, isKnown }: OurCallback,
): 'ours' | 'notOurs' | 'unknownSignature' {
  const found = parseCallbackUrl(url);
  if (found === undefined)
    // It may be ours, cut off or spelled in another way.
    return url.toLowerCase().includes(generationId) ? 'unknownSignature' : 'notOurs';
  if (found.deployment !== deployment || found.generationId !== generationId || found.attempt !== attempt)
    return 'notOurs';
  return isKnown(found) ? 'ours' : 'unknownSignature';
}

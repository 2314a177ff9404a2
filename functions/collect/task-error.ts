import type { Collecting } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import type { Setback } from '../generation/transitions/trouble.ts';
import type { AttemptNotes, NotesChange, TaskError } from '../store/attempt-notes.ts';
import type { Task } from '../wiro/types.ts';

// A task at `task_error` is not over: Wiro may recover or requeue it. How long it has stood there without moving is
// noted beside the state; the state shows by its trouble that it does.

const CODE = 'model_failed';

/** Whether the task stood at an error when it was last looked at. */
export const stoodAtError = ({ trouble }: Collecting): boolean => trouble?.firstAt[CODE] !== undefined;

/** Notes that the task stands at an error: since when, and what Wiro said first. */
export function noteTaskError(
  { taskError }: AttemptNotes,
  generation: Collecting,
  task: Task,
  now: Timestamp,
): NotesChange | undefined {
  const text = task.errorText?.trim() || undefined;
  // An earlier note is of a time before it moved.
  const standing = stoodAtError(generation) || taskError?.since === now ? taskError : undefined;
  if (standing !== undefined && (standing.text !== undefined || text === undefined)) return undefined;
  return { taskError: { since: now, ...standing, ...(text !== undefined && { text }) } };
}

/** Notes that it is to be stopped for it; written before it is, so that its end is understood. */
export const noteStopped = ({ taskError }: AttemptNotes, now: Timestamp): NotesChange | undefined =>
  taskError === undefined || taskError.stoppedAt !== undefined
    ? undefined
    : { taskError: { ...taskError, stoppedAt: now } };

/** It moved on: what was noted is of the past. Not that it was asked to stop: that may be its end all the same. */
export const forgetTaskError = ({ taskError }: AttemptNotes): NotesChange | undefined =>
  taskError === undefined || taskError.stoppedAt !== undefined ? undefined : { taskError: null };

export const taskErrorSetback = ({ text }: TaskError): Setback => ({
  code: CODE,
  // Short: it lies in the state. The whole of it is noted.
  message: `The task stands at an error at Wiro, which may recover or requeue it: ${(text ?? 'Wiro gives no reason').slice(0, 200)}`,
});

import type { Collecting } from '../generation/generation.ts';
import type { Timestamp } from '../generation/time.ts';
import type { Setback } from '../generation/transitions/trouble.ts';
import type { AttemptNotes, NotesChange, TaskError } from '../store/attempt-notes.ts';
import type { Task } from '../wiro/types.ts';

// A task at `task_error` has not ended: Wiro may recover or requeue it. The state's trouble shows that the task stands
// there. The notes beside the state say since when.

const CODE = 'model_failed';

/** Whether the task stood at an error when it was last looked at. */
export const hasStoodAtError = ({ trouble }: Collecting): boolean => trouble?.firstAt[CODE] !== undefined;

/** Notes that the task stands at an error, since when, and Wiro's first text. */
export function noteTaskError(
  { taskError }: AttemptNotes,
  generation: Collecting,
  task: Task,
  now: Timestamp,
): NotesChange | undefined {
  const text = task.errorText?.trim() || undefined;
  // If the state shows no error, the note is from before the task moved.
  const standing = hasStoodAtError(generation) || taskError?.since === now ? taskError : undefined;
  if (standing !== undefined && (standing.text !== undefined || text === undefined)) return undefined;
  return { taskError: { since: now, ...standing, ...(text !== undefined && { text }) } };
}

/** Notes that the task is stopped because of its error. Written before the task is asked, so that its end is understood. */
export const noteStopped = ({ taskError }: AttemptNotes, now: Timestamp): NotesChange | undefined =>
  taskError === undefined || taskError.stoppedAt !== undefined
    ? undefined
    : { taskError: { ...taskError, stoppedAt: now } };

/** Deletes the note, because the task moved. Keeps a note that we stopped the task: that may still be its end. */
export const forgetTaskError = ({ taskError }: AttemptNotes): NotesChange | undefined =>
  taskError === undefined || taskError.stoppedAt !== undefined ? undefined : { taskError: null };

export const taskErrorSetback = ({ text }: TaskError): Setback => ({
  code: CODE,
  // Shortened, because it is in the state. The notes have the whole text.
  message: `The task stands at an error at Wiro, which may recover or requeue it: ${(text ?? 'Wiro gives no reason').slice(0, 200)}`,
});

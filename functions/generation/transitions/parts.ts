import type { GenerationError } from '../errors.ts';
import type { Announcement, Ending, Generation, PastAttempt, Queued, TaskNames } from '../generation.ts';
import { after, earlier, type Moment, type Timestamp } from '../time.ts';

// What several transitions have in common.

/** What a task says of itself at its end. */
export interface Account {
  readonly taskEnd?: 'succeeded' | 'failed' | 'cancelled';
  readonly costUsd?: number;
  readonly elapsedSeconds?: number;
}

/** The attributes that every state carries. An attribute of one state alone does not pass on to the next. */
export function base(generation: Generation) {
  const { version, revision, id, deployment, origin, model, requestHash, attempt, createdAt, updatedAt } =
    generation;
  const { announcements, cancelRequestedAt, callback, freshUploads, pastAttempts, trouble, outputFolder } =
    generation;
  return {
    version,
    revision,
    id,
    deployment,
    origin,
    model,
    requestHash,
    attempt,
    createdAt,
    updatedAt,
    looks: 0,
    announcements,
    pastAttempts,
    ...(cancelRequestedAt !== undefined && { cancelRequestedAt }),
    ...(callback !== undefined && { callback }),
    ...(trouble !== undefined && { trouble }),
    ...(freshUploads !== undefined && { freshUploads }),
    ...(outputFolder !== undefined && { outputFolder }),
  };
}

/** What every end carries. */
export function endOf(generation: Exclude<Generation, Ending>, account: Account, { now, durations }: Moment) {
  const { trouble: _, ...rest } = base(generation);
  return {
    ...rest,
    ...('run' in generation && generation.run !== undefined && { run: generation.run }),
    ...('task' in generation && { task: generation.task }),
    ...account,
    endedAt: now,
    // The function announces the end at once. `reconcile` looks after `retry` in case that is lost: see `looksAt`.
    dueAt: earlier(generation.dueAt, after(now, durations.retry)),
  };
}

/** Adds an announcement. It is written with the change that it announces. */
export function withAnnouncement<G extends Generation>(
  generation: G,
  type: Announcement['type'],
  now: Timestamp,
): G {
  const { id, attempt } = generation;
  const announcement: Announcement = {
    eventId: `${id}.${attempt}.${type.toLowerCase()}`,
    type,
    attempt,
    at: now,
  };
  return { ...generation, announcements: [...generation.announcements, announcement] };
}

/** Starts the next attempt in the queue, and keeps how the last one ended. */
export function startNextAttempt(
  generation: Generation,
  task: TaskNames | undefined,
  error: Pick<GenerationError, 'code' | 'message'>,
  { now, durations }: Moment,
): Queued {
  const past: PastAttempt = {
    attempt: generation.attempt,
    ...(task && { taskId: task.id }),
    endedAt: now,
    code: error.code,
    message: error.message,
  };
  const { callback: _, trouble: __, ...rest } = base(generation);
  return {
    ...rest,
    status: 'queued',
    waiting: false,
    attempt: generation.attempt + 1,
    pastAttempts: [...generation.pastAttempts, past],
    dueAt: after(now, durations.retry),
  };
}

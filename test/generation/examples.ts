import type {
  Cancelled,
  Collecting,
  Failed,
  Generation,
  Queued,
  Running,
  Submitting,
  Succeeded,
} from '../../functions/generation/generation.ts';
import type { Moment } from '../../functions/generation/time.ts';
import { DURATIONS } from '../../functions/settings.ts';

/** Seconds after noon of one day. */
export const at = (seconds: number): string =>
  new Date(Date.UTC(2026, 0, 1, 12) + seconds * 1_000).toISOString();

export const moment = (seconds: number): Moment => ({ now: at(seconds), durations: DURATIONS });

const base = {
  version: 1,
  revision: 7,
  id: 'abcdefghijklmnopqrstuvwxyz',
  deployment: 'shop',
  origin: 'api',
  model: 'wiro/flux',
  requestHash: 'hash',
  attempt: 1,
  createdAt: at(0),
  updatedAt: at(0),
  looks: 3,
  announcements: [],
  pastAttempts: [],
} as const;

const run = { startedAt: at(0), reusedUploads: false, searches: 0 };
const task = { id: 'task-1', token: 'token-1' };
const mine = { holder: 'me', until: at(60) };

/** One generation in every state, as the table may hold it. `mine` are held by `me` until second 60. */
export const EXAMPLES = {
  queued: { ...base, status: 'queued', waiting: false, dueAt: at(5) } satisfies Queued,
  waiting: { ...base, status: 'queued', waiting: true, dueAt: at(300) } satisfies Queued,
  submitting: { ...base, status: 'submitting', claim: mine, dueAt: at(65) } satisfies Submitting,
  marked: { ...base, status: 'submitting', claim: mine, run, dueAt: at(65) } satisfies Submitting,
  running: { ...base, status: 'running', run, task, emptyReads: 0, dueAt: at(60) } satisfies Running,
  collecting: {
    ...base,
    status: 'collecting',
    claim: mine,
    run,
    task,
    emptyReads: 0,
    dueAt: at(65),
  } satisfies Collecting,
  succeeded: {
    ...base,
    status: 'succeeded',
    run,
    task,
    costUsd: 0.04,
    endedAt: at(30),
  } satisfies Succeeded,
  failed: {
    ...base,
    status: 'failed',
    run,
    task,
    endedAt: at(30),
    error: { code: 'model_failed', message: 'The model failed.', retryable: true },
  } satisfies Failed,
  cancelled: { ...base, status: 'cancelled', endedAt: at(30) } satisfies Cancelled,
} satisfies Record<string, Generation>;

export type ExampleName = keyof typeof EXAMPLES;

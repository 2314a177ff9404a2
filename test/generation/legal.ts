import assert from 'node:assert/strict';
import { type Generation, hasEnded, type Status } from '../../functions/generation/generation.ts';

/** The arrows of the state diagram. A state may follow itself: a claim is extended, a search is counted. */
const FOLLOWS: Record<Status, readonly Status[]> = {
  // `failed` after too long a wait in line.
  queued: ['queued', 'submitting', 'running', 'cancelled', 'failed'],
  submitting: ['submitting', 'queued', 'running', 'failed', 'cancelled'],
  running: ['running', 'collecting'],
  collecting: ['collecting', 'running', 'queued', 'succeeded', 'failed', 'cancelled'],
  succeeded: ['succeeded'],
  failed: ['failed'],
  cancelled: ['cancelled'],
};

/** Checks what must hold for every transition. */
export function assertLegal(before: Generation, after: Generation): void {
  assert(FOLLOWS[before.status].includes(after.status), `${before.status} was followed by ${after.status}`);
  assert(hasNothingUnreadable(after), 'Something is undefined or no number');
  for (const name of ['id', 'deployment', 'model', 'requestHash', 'createdAt', 'origin'] as const)
    assert.equal(after[name], before[name]);
  if (hasEnded(before)) {
    const kept = ({ announcements, dueAt, looks, ...rest }: Generation) => rest;
    assert.deepEqual(kept(after), kept(before));
  }
  assert.equal(after.dueAt !== undefined, !hasEnded(after) || after.announcements.length > 0);
  assert.equal(
    after.attempt - before.attempt,
    before.status === 'collecting' && after.status === 'queued' ? 1 : 0,
  );
  assert.equal(after.pastAttempts.length, after.attempt - 1);
  // A recorded task stays for its attempt, and a request to cancel stays.
  if ('task' in before && before.task && after.attempt === before.attempt)
    assert.deepEqual('task' in after && after.task, before.task);
  if (before.cancelRequestedAt !== undefined) assert.equal(after.cancelRequestedAt, before.cancelRequestedAt);
  const ids = after.announcements.map(({ eventId }) => eventId);
  assert.equal(new Set(ids).size, ids.length, 'One event is announced twice');
}

function hasNothingUnreadable(value: unknown): boolean {
  if (value === undefined || Number.isNaN(value)) return false;
  if (typeof value === 'string') return !value.includes('Invalid') && !value.includes('NaN');
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(hasNothingUnreadable);
}

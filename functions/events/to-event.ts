import type { Announcement, Output } from '../generation/generation.ts';
import type { KeptAttempt } from '../generation/past-attempts.ts';
import type { WholeGeneration } from '../store/generation-store.ts';
import { type Account, accountOf, listOutputs } from './account.ts';
import type { BusEvent } from './put-events.ts';

/** EventBridge accepts 256 KB, names and source included. */
const MOST_BYTES = 240 * 1024;

/**
 * Builds the event for one announcement, with the outcome of the announcement's own attempt.
 * @param outputsOf - Reads the outputs of an earlier attempt.
 */
export async function toEvent(
  whole: WholeGeneration,
  announcement: Announcement,
  outputsOf: (attempt: number) => Promise<readonly Output[]>,
): Promise<BusEvent> {
  const { generation, request } = whole;
  const { eventId, type, attempt, at } = announcement;
  const isCurrent = attempt === generation.attempt;
  const past = whole.pastAttempts.find((one) => one.attempt === attempt);
  const taskId = isCurrent ? ('task' in generation ? generation.task?.id : undefined) : past?.taskId;
  const detail = {
    eventId,
    id: generation.id,
    deployment: generation.deployment,
    model: generation.model,
    status: type.toLowerCase(),
    attempt,
    origin: generation.origin,
    labels: request.labels,
    at,
    createdAt: generation.createdAt,
    ...(taskId !== undefined && { taskId }),
  };
  if (type === 'Running') return { detailType: 'Generation Running', detail };
  const account = isCurrent ? accountOf(generation) : accountOfPast(announcement, past);
  const outputs = isCurrent ? whole.outputs : await outputsOf(attempt);
  const roomBytes = MOST_BYTES - Buffer.byteLength(JSON.stringify({ ...detail, ...account }));
  return {
    detailType: `Generation ${type}`,
    detail: { ...detail, ...listOutputs(outputs, roomBytes), ...account },
  };
}

/** For an attempt that was retried before its announcement. An earlier release stored only the error's code and message. */
function accountOfPast({ type }: Announcement, past: KeptAttempt | undefined): Account {
  if (past === undefined) return {};
  const { code, message, costUsd, error = { code, message, retryable: true } } = past;
  return { ...(costUsd !== undefined && { costUsd }), ...(type === 'Failed' && { error }) };
}

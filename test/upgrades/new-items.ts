import type { Generation, Output } from '../../functions/generation/generation.ts';
import { timestamp } from '../../functions/generation/time.ts';
import { claimToCollect, collectLater } from '../../functions/generation/transitions/collect.ts';
import { DURATIONS } from '../../functions/settings.ts';
import { createAttemptNotesStore } from '../../functions/store/attempt-notes.ts';
import { createCopiedNotes } from '../../functions/store/copied-notes.ts';
import { createCopyPlaces } from '../../functions/store/copy-places.ts';
import { createDailyLimit } from '../../functions/store/daily-limit.ts';
import { createDeliveryStore } from '../../functions/store/delivery-store.ts';
import type { Table } from '../../functions/store/dynamodb.ts';
import { createEarlierReads } from '../../functions/store/earlier-reads.ts';
import { createGate } from '../../functions/store/gate.ts';
import { createGenerationStore } from '../../functions/store/generation-store.ts';
import { createTaskHints } from '../../functions/store/task-hints.ts';
import { createTimelines } from '../../functions/store/timelines.ts';
import { createUploadRefusals } from '../../functions/store/upload-refusals.ts';
import { createUsageCounter } from '../../functions/store/usage-counter.ts';
import { whenCollecting } from '../generation/when-held.ts';

/** As many as do not fit into one item. */
export const MANY_OUTPUTS = 1_600;

const outputOf = (id: string, index: number): Output => ({
  name: `${index}.png`,
  bucket: 'wiro-local-outputs',
  key: `outputs/${id}/1/${index}-${index}.png`,
  contentType: 'image/png',
  sizeBytes: 70,
  sha256: '0'.repeat(64),
});

/** Puts beside one attempt whatever this release keeps there and the one before did not. */
export async function putBesideAttempt(table: Table, id: string, attempt: number): Promise<void> {
  const now = timestamp(new Date());
  await createAttemptNotesStore(table).change(id, attempt, () => ({
    joinedLineAt: now,
    lostRuns: { since: now, count: 2, latest: now },
    refusal: { text: 'Not today', since: now, latest: now, count: 2 },
    taskError: { since: now, text: 'CUDA out of memory', stoppedAt: now },
    deaths: { count: 2, during: 'submitting', holder: 'holder-9', progress: 1 },
    handover: { by: 'multipart', isPinned: true },
    telling: { done: ['bus'], failsSince: now },
  }));
  const output = outputOf(id, 0);
  await createCopiedNotes(table).write(id, attempt, 0, { ...output, crc32: 'AAAAAA==' });
  await createEarlierReads(table).put(id, attempt, 0, { output, etag: '"e"', readAt: now, isKept: true });
  const generation = await createGenerationStore(table).get(id);
  if (generation === undefined) throw new Error(`${id} is not there`);
  const trouble = {
    since: now,
    firstAt: {},
    count: 1,
    code: 'upstream_unavailable',
    message: 'Away',
  } as const;
  await createTimelines(table).note({ ...generation, attempt }, { ...generation, attempt, trouble });
  await createUsageCounter(table, { labelNames: ['team'] }).count({
    id,
    attempt,
    endedAt: now,
    model: 'wiro/flux',
    labels: { team: 'red' },
    counts: { status: 'succeeded', costMicroUsd: 40_000, isCostUnknown: false },
  });
  await createTaskHints(table).keep(id, { attempt, taskId: 'task-9', seenAt: now, proof: 'p' });
}

/** Puts one whose task runs in line for a copy. */
export async function putInLine(table: Table, id: string): Promise<void> {
  const generations = createGenerationStore(table);
  const setback = { code: 'output_in_line', message: 'Its turn comes when another is done.' } as const;
  const steps: readonly ((current: Generation) => Generation | undefined)[] = [
    (current) => claimToCollect(current, 'holder-9', moment()),
    (current) => whenCollecting(current, 'holder-9', (held) => collectLater(held, setback, moment())),
  ];
  for (const step of steps) {
    const { kind } = await generations.update(id, step);
    if (kind !== 'written') throw new Error(`It could not be put in line: ${kind}`);
  }
}

/** Signs the slot of one that holds one. */
export async function signSlot(table: Table, id: string): Promise<void> {
  const generations = createGenerationStore(table);
  const generation = await generations.get(id);
  const gate = createGate({ ...table, waiting: generations.waiting, durations: DURATIONS });
  if (generation === undefined || !(await gate.take(generation, true))) throw new Error('It holds no slot');
}

const moment = () => ({ now: timestamp(new Date()), durations: DURATIONS });

/** Outputs in parts. */
export async function putManyOutputs(table: Table, id: string): Promise<void> {
  const outputs = Array.from({ length: MANY_OUTPUTS }, (_, index) => outputOf(id, index));
  const isPut = await createGenerationStore(table).putOutputs(id, { attempt: 1, revision: 99, outputs });
  if (!isPut) throw new Error('The outputs were not put');
}

/** What a deployment knows, whatever its generations: refused uploads, events and drops, what was counted today. */
export async function putBesideGenerations(table: Table): Promise<void> {
  await createUploadRefusals(table, { keepMs: DURATIONS.uploadsRefused }).note();
  const deliveries = createDeliveryStore(table, { deployment: 'local', sameDropMs: DURATIONS.sameDrop });
  await deliveries.begin('an event');
  await deliveries.join('an event', 'another put');
  await deliveries.settle('an event', 'accepted');
  await deliveries.drop(['a bucket', 'a key'], { put: 'a put', at: new Date() });
  const places = createCopyPlaces(table, { maximum: 1, durations: DURATIONS });
  await places.take({ id: 'a', createdAt: timestamp(new Date()), revision: 3 }, 'holder-9', 900_000);
  await places.join({ id: 'b', createdAt: timestamp(new Date()) });
  await createDailyLimit(table, { limit: 100 }).count(3, 'a request file');
}

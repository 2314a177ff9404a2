import { createHash } from 'node:crypto';
import type { Timestamp } from '../generation/time.ts';

// The items that count usage, for those who count and those who read. A day is a partition, so that one query reads it.

/** The end of one attempt. */
export interface CountedEnd {
  readonly id: string;
  readonly attempt: number;
  readonly endedAt: Timestamp;
  readonly model: string;
  /** All labels of the request. */
  readonly labels: Readonly<Record<string, string>>;
  readonly counts: Counts;
}

/** What one end adds to its row, in whole numbers. */
export interface Counts {
  readonly status: EndStatus;
  readonly costMicroUsd: number;
  /** The task may have cost something that is not known: it is missing in `costMicroUsd`. */
  readonly isCostUnknown: boolean;
}

export type EndStatus = (typeof END_STATUSES)[number];
export const END_STATUSES = ['succeeded', 'failed', 'cancelled'] as const;

/** 13 months, and a few days. */
const KEPT_MS = 400 * 86_400_000;

export const expiryOf = (day: string): number => Math.floor((Date.parse(day) + KEPT_MS) / 1_000);

export const dayPartition = (day: string) => `usage#${day}`;

/** Begins the sort keys of rows. What else is in the partition sorts before it. */
export const ROW = 'row#';
export const labelsSort = (model: string) => `labels#${model}`;

/** One row of a day: a model, and the values of the labels that the deployment counts by. */
export function rowSort(model: string, labels: Readonly<Record<string, string>>): string {
  const isPlain = Object.keys(labels).length === 0;
  return isPlain ? `${ROW}${model}` : `${ROW}${model}#${hashOf(labels)}`;
}

export function hashOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 12);
}

/** The end's own item, in the generation's partition. Sorts before the items that every record reads. */
export const countedSort = (attempt: number) => `counted#${attempt}`;

// --- marks ----------------------------------------------------------------------------------------------------

/**
 * A mark is an attribute of a row, `end#<id>#<attempt>`: the row counts this end, and its own item may not say so yet.
 * The token names one act of counting, and holds what it added.
 */
export interface Mark {
  readonly id: string;
  readonly attempt: number;
  readonly token: string;
  readonly counts: Counts;
  readonly markedAt: number;
}

const MARK = /^end#([a-z2-7]+)#(\d+)$/;
const TOKEN = /^(\d+) (succeeded|failed|cancelled) (\d+) ([01]) /;

export const markName = ({ id, attempt }: Pick<Mark, 'id' | 'attempt'>) => `end#${id}#${attempt}`;

export const toToken = ({ status, costMicroUsd, isCostUnknown }: Counts, now: Date, nonce: string): string =>
  `${now.getTime()} ${status} ${costMicroUsd} ${isCostUnknown ? 1 : 0} ${nonce}`;

export const marksOf = (item: Readonly<Record<string, unknown>>): readonly Mark[] =>
  Object.entries(item).flatMap(([name, token]) => toMark(name, String(token)) ?? []);

function toMark(name: string, token: string): Mark | undefined {
  const [, id, attempt] = MARK.exec(name) ?? [];
  const [, markedAt, status, costMicroUsd, isCostUnknown] = TOKEN.exec(token) ?? [];
  if (id === undefined || status === undefined) return undefined;
  return {
    id,
    attempt: Number(attempt),
    token,
    markedAt: Number(markedAt),
    counts: {
      status: status as EndStatus,
      costMicroUsd: Number(costMicroUsd),
      isCostUnknown: isCostUnknown === '1',
    },
  };
}

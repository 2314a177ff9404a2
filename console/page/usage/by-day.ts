import type { Usage } from '../../../client/index.ts';

export interface DayCost {
  readonly day: string;
  /** By model. */
  readonly costUsd: Readonly<Record<string, number>>;
}

export interface ModelUsage {
  readonly model: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly costUsd: number;
  readonly costUnknown: number;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 366;

/** Sums the rows of a usage, which may differ by labels: every day of the range, and the models, dearest first. */
export function byDayAndModel({ from, to, days: rows }: Omit<Usage, 'cursor'>) {
  const days = new Map<string, Map<string, number>>();
  for (let at = Date.parse(from), n = 0; at <= Date.parse(to) && n < MOST_DAYS; at += DAY_MS, n += 1)
    days.set(new Date(at).toISOString().slice(0, 10), new Map());
  const models = new Map<string, ModelUsage>();
  for (const { day, model, succeeded, failed, cancelled, costUsd, costUnknown } of rows) {
    const ofDay = days.get(day) ?? new Map<string, number>();
    days.set(day, ofDay.set(model, (ofDay.get(model) ?? 0) + costUsd));
    const before = models.get(model);
    models.set(model, {
      model,
      succeeded: (before?.succeeded ?? 0) + succeeded,
      failed: (before?.failed ?? 0) + failed,
      cancelled: (before?.cancelled ?? 0) + cancelled,
      costUsd: (before?.costUsd ?? 0) + costUsd,
      costUnknown: (before?.costUnknown ?? 0) + costUnknown,
    });
  }
  return {
    days: [...days]
      .map(([day, costUsd]): DayCost => ({ day, costUsd: Object.fromEntries(costUsd) }))
      .sort((one, other) => (one.day < other.day ? -1 : 1)),
    models: [...models.values()].sort((one, other) => other.costUsd - one.costUsd),
  };
}

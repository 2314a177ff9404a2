import type { Usage } from './api-types.ts';
import type { ApiCall } from './http.ts';
import { pages, toQuery } from './list.ts';

export interface UsageOptions {
  /** The first day (UTC): `2026-10-31`, or a `Date` on it. At most 366 days. @default - 29 days before `to` */
  readonly from?: Date | string;
  /** The last day. @default - today */
  readonly to?: Date | string;
  readonly signal?: AbortSignal;
}

/** Reads all days, in as many answers as they take. */
export async function readUsage(
  call: (call: ApiCall) => Promise<unknown>,
  { from, to, signal }: UsageOptions,
): Promise<Omit<Usage, 'cursor'>> {
  const query = toQuery({ from: toDay(from), to: toDay(to) });
  const days: Usage['days'][number][] = [];
  let range = { from: '', to: '' };
  for await (const page of pages<Usage>(call, '/usage', query, signal)) {
    days.push(...page.days);
    range = { from: page.from, to: page.to };
    // The default range must not move on at midnight.
    query.set('from', page.from);
    query.set('to', page.to);
  }
  return { ...range, days };
}

const toDay = (day: Date | string | undefined) =>
  day instanceof Date ? day.toISOString().slice(0, 10) : day;

import type { Usage } from './api-types.ts';
import type { ApiCall } from './http.ts';
import { goOn, toQuery } from './list.ts';

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
  for (;;) {
    const path = query.size === 0 ? '/usage' : `/usage?${query}`;
    const page = (await call({ method: 'GET', path, isRepeatable: true, signal })) as Usage;
    days.push(...page.days);
    if (page.cursor === undefined) return { from: page.from, to: page.to, days };
    // What was read by default must not move on at midnight.
    query.set('from', page.from);
    query.set('to', page.to);
    goOn(query, page.cursor);
  }
}

const toDay = (day: Date | string | undefined) =>
  day instanceof Date ? day.toISOString().slice(0, 10) : day;

import type { FaultMatch, FaultOf, FaultOperation, FaultRule } from './fault-rules.ts';

/** The values that a rule matches, if the operation has them. */
export interface FaultSubject {
  readonly model?: string;
  readonly callbackUrl?: string;
  readonly taskId?: string;
  readonly path?: string;
}

/** Selects faults for calls that no rule matches. The first fault that fits the call applies. */
export type FaultPlan = <Operation extends FaultOperation>(
  operation: Operation,
  subject: FaultSubject,
) => readonly FaultOf[Operation][];

/** A rule, how many times it matched (`seen`) and how many times it applied. */
export interface FaultUse {
  readonly rule: FaultRule & { readonly id: string };
  readonly seen: number;
  readonly applied: number;
}

export interface Faults {
  /** Appends rules. The first matching rule applies. @returns The rules' ids. */
  add(...rules: readonly FaultRule[]): string[];
  /** Removes these rules, or all. */
  clear(...ids: readonly string[]): void;
  list(): FaultUse[];
  /** Returns the fault that applies now, if any, and counts it. Considers and counts only faults that fit. */
  take<Operation extends FaultOperation>(
    operation: Operation,
    subject: FaultSubject,
    fits?: (fault: FaultOf[Operation]) => boolean,
  ): FaultOf[Operation] | undefined;
}

interface ActiveRule {
  readonly rule: FaultRule & { readonly id: string };
  readonly random: () => number;
  seen: number;
  applied: number;
}

/** @param plan - Used if no rule applies. */
export function createFaults(plan: FaultPlan = () => []): Faults {
  let active: ActiveRule[] = [];
  let added = 0;

  return {
    add: (...rules) =>
      rules.map((rule) => {
        added += 1;
        const id = rule.id ?? `fault-${added}`;
        const random = createRandom(rule.match?.seed ?? 1);
        active.push({ rule: { ...rule, id }, random, seen: 0, applied: 0 });
        return id;
      }),
    clear: (...ids) => {
      active = ids.length === 0 ? [] : active.filter(({ rule }) => !ids.includes(rule.id));
    },
    list: () => active.map(({ rule, seen, applied }) => ({ rule, seen, applied })),
    take: <Operation extends FaultOperation>(
      operation: Operation,
      subject: FaultSubject,
      fits: (fault: FaultOf[Operation]) => boolean = () => true,
    ) => {
      for (const one of active) {
        if (one.rule.operation !== operation) continue;
        const fault = one.rule.fault as FaultOf[Operation];
        if (fits(fault) && applies(one, subject)) return fault;
      }
      return plan(operation, subject).find(fits);
    },
  };
}

function applies(one: ActiveRule, subject: FaultSubject): boolean {
  const { match = {}, times = Number.POSITIVE_INFINITY } = one.rule;
  if (one.applied >= times || !isMatch(match, subject)) return false;
  one.seen += 1;
  if (match.nth !== undefined && ![match.nth].flat().includes(one.seen)) return false;
  if (match.share !== undefined && one.random() >= match.share) return false;
  one.applied += 1;
  return true;
}

function isMatch(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    (match.model === undefined || match.model === subject.model) &&
    (match.taskId === undefined || match.taskId === subject.taskId) &&
    (match.callbackUrlIncludes === undefined ||
      (subject.callbackUrl?.includes(match.callbackUrlIncludes) ?? false)) &&
    (match.pathIncludes === undefined || (subject.path?.includes(match.pathIncludes) ?? false))
  );
}

/** Creates a Mulberry32 generator, which makes random runs repeatable by seed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

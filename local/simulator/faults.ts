import type { FaultMatch, FaultOf, FaultOperation, FaultRule } from './fault-rules.ts';

/** What a rule may be matched against, as far as the operation has it. */
export interface FaultSubject {
  readonly model?: string;
  readonly callbackUrl?: string;
  readonly taskId?: string;
  readonly path?: string;
}

/** Decides beside the rules what goes wrong, one call after the other; the first fault that the call can suffer does. */
export type FaultPlan = <Operation extends FaultOperation>(
  operation: Operation,
  subject: FaultSubject,
) => readonly FaultOf[Operation][];

/** A rule with how often it matched (`seen`) and applied. */
export interface FaultUse {
  readonly rule: FaultRule & { readonly id: string };
  readonly seen: number;
  readonly applied: number;
}

export interface Faults {
  /** Adds rules after those that stand: the first that matches applies. @returns their ids. */
  add(...rules: readonly FaultRule[]): string[];
  /** Removes these rules, or all. */
  clear(...ids: readonly string[]): void;
  list(): FaultUse[];
  /** The fault that strikes now, if any, and counts it. What is not `isMeant` stays uncounted. */
  take<Operation extends FaultOperation>(
    operation: Operation,
    subject: FaultSubject,
    isMeant?: (fault: FaultOf[Operation]) => boolean,
  ): FaultOf[Operation] | undefined;
}

interface Standing {
  readonly rule: FaultRule & { readonly id: string };
  readonly random: () => number;
  seen: number;
  applied: number;
}

/** @param plan - Asked where no rule applies. */
export function createFaults(plan: FaultPlan = () => []): Faults {
  let standing: Standing[] = [];
  let made = 0;

  return {
    add: (...rules) =>
      rules.map((rule) => {
        made += 1;
        const id = rule.id ?? `fault-${made}`;
        const random = createRandom(rule.match?.seed ?? 1);
        standing.push({ rule: { ...rule, id }, random, seen: 0, applied: 0 });
        return id;
      }),
    clear: (...ids) => {
      standing = ids.length === 0 ? [] : standing.filter(({ rule }) => !ids.includes(rule.id));
    },
    list: () => standing.map(({ rule, seen, applied }) => ({ rule, seen, applied })),
    take: <Operation extends FaultOperation>(
      operation: Operation,
      subject: FaultSubject,
      isMeant: (fault: FaultOf[Operation]) => boolean = () => true,
    ) => {
      for (const one of standing) {
        if (one.rule.operation !== operation) continue;
        const fault = one.rule.fault as FaultOf[Operation];
        if (isMeant(fault) && strikes(one, subject)) return fault;
      }
      return plan(operation, subject).find(isMeant);
    },
  };
}

function strikes(standing: Standing, subject: FaultSubject): boolean {
  const { match = {}, times = Number.POSITIVE_INFINITY } = standing.rule;
  if (standing.applied >= times || !isAbout(match, subject)) return false;
  standing.seen += 1;
  if (match.nth !== undefined && ![match.nth].flat().includes(standing.seen)) return false;
  if (match.share !== undefined && standing.random() >= match.share) return false;
  standing.applied += 1;
  return true;
}

function isAbout(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    (match.model === undefined || match.model === subject.model) &&
    (match.taskId === undefined || match.taskId === subject.taskId) &&
    (match.callbackUrlIncludes === undefined ||
      (subject.callbackUrl?.includes(match.callbackUrlIncludes) ?? false)) &&
    (match.pathIncludes === undefined || (subject.path?.includes(match.pathIncludes) ?? false))
  );
}

/** Mulberry32: the same numbers for the same seed, so that a chaotic run can be repeated. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

import type { FunctionName } from '../../functions/functions.ts';
import { ENV } from '../../functions/settings.ts';
import type { EnvironmentOptions } from '../../local/environment.ts';
import { createProxies } from '../faults/proxies.ts';
import { neededRights, type Right } from './needed-rights.ts';

/** Every right that the functions of an environment needed, each as soon as it was used. */
export interface RecordedRights {
  /** For the environment: has every call to AWS go through a proxy. */
  readonly endpointOverrides: NonNullable<EnvironmentOptions['endpointOverrides']>;
  of(name: FunctionName): readonly Right[];
  /** Requests that could not be told what they need. */
  problems(): readonly string[];
  /** Cuts off a function from a service while `work` goes on: `callback EventBridge`. */
  without<T>(cuts: readonly `${FunctionName} ${string}`[], work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** @param region - Part of the resources' names. */
export function recordRights(region: string): RecordedRights {
  const rights = new Map<FunctionName, Map<string, Right>>();
  const problems = new Set<string>();
  let cuts: readonly string[] = [];

  const proxies = createProxies({
    onCall: (name, operation) =>
      cuts.some((cut) => `${name} ${operation}`.startsWith(`${cut}.`)) ? 'undelivered' : undefined,
    // Nobody dies: the caller alone finds its connection closed.
    kill: (caller) => caller.destroy(),
    onAnswer: (name, exchange) => {
      try {
        const known = rights.get(name) ?? new Map<string, Right>();
        for (const right of neededRights(exchange, region))
          known.set(`${right.action} ${right.resource}`, right);
        rights.set(name, known);
      } catch (error) {
        problems.add(`${name}: ${error instanceof Error ? error.message : error}`);
      }
    },
  });

  return {
    // Untold of Wiro, they stand before AWS alone.
    endpointOverrides: (name, { [ENV.wiroApiUrl]: _, ...aws }) => proxies.before(name, aws),
    of: (name) => [...(rights.get(name)?.values() ?? [])],
    problems: () => [...problems],
    without: async (wanted, work) => {
      cuts = wanted;
      try {
        return await work();
      } finally {
        cuts = [];
      }
    },
    stop: proxies.stop,
  };
}

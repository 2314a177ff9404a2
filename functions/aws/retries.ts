import { setTimeout as sleep } from 'node:timers/promises';

/** Whether it helps to send a request again. */
export type Fault = 'throttled' | 'passing' | 'lasting';

/** How one try ended. */
export type Tried<Output> =
  | { readonly kind: 'answered'; readonly output: Output }
  | {
      readonly kind: 'failed';
      readonly error: Error;
      readonly fault: Fault;
      /** How long the service asks to wait. */
      readonly askedMs?: number | undefined;
    };

/**
 * Repeats a request until it is answered, as the SDK's standard retries do.
 * @throws The error of the last try. Its `$metadata` tells how many there were.
 */
export type Repeat = <Output>(
  send: () => Promise<Tried<Output>>,
  options: { readonly tries: number; readonly signal?: AbortSignal | undefined },
) => Promise<Output>;

/** Creates the retries of one client. They share a budget, so that a service that is down does not get several times as many requests. */
export function createRepeat(): Repeat {
  let left = WHOLE_BUDGET;
  return async (send, { tries, signal }) => {
    let paid = 0;
    for (let attempt = 1; ; attempt += 1) {
      const tried = await send();
      if (tried.kind === 'answered') {
        // An answer gives back what the last repeat cost.
        left = Math.min(WHOLE_BUDGET, left + (paid || 1));
        return tried.output;
      }
      const { error, fault, askedMs = 0 } = tried;
      if (fault === 'lasting' || attempt >= tries || left < COST[fault]) throw counted(error, attempt);
      paid = COST[fault];
      left -= paid;
      await sleep(pauseMs(attempt, fault, askedMs), undefined, signal && { signal });
    }
  };
}

const COST = { throttled: 5, passing: 14 } as const;
const WHOLE_BUDGET = 500;

const counted = (error: Error & { readonly $metadata?: object }, attempts: number): Error =>
  Object.assign(error, { $metadata: { ...error.$metadata, attempts } });

// The pause is random, so that callers that were refused together do not return together.
const FIRST_MS = { throttled: 1_000, passing: 50 } as const;
const LONGEST_MS = 20_000;
const MOST_ASKED_MS = 5_000;

function pauseMs(attempt: number, fault: keyof typeof FIRST_MS, askedMs: number): number {
  const ours = Math.random() * Math.min(FIRST_MS[fault] * 2 ** (attempt - 1), LONGEST_MS);
  return Math.max(ours, Math.min(askedMs, ours + MOST_ASKED_MS));
}

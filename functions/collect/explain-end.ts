import type { GenerationError } from '../generation/errors.ts';
import type { Collecting } from '../generation/generation.ts';
import type { Account } from '../generation/transitions/parts.ts';
import type { Setback } from '../generation/transitions/trouble.ts';

// What a user reads about a generation that has a task: what happened, what it means for money, what to do.

export const killedError = (deaths: number): GenerationError => ({
  code: 'function_killed',
  message: `The function that fetches the outputs was killed ${deaths} times in a row without one more output: it ran out of time or memory. The task may be charged. A retry fetches its outputs and pays nothing.`,
  retryable: true,
});

/** Even the part that is needed exceeds the limit. A later record may be smaller, and a later release may read more. */
export const unreadableSetback = ({ task }: Collecting): Setback => ({
  code: 'task_unreadable',
  message: `Wiro's record of task ${task.id} holds more than the 8 MB of outputs that this deployment can read. Whether it has ended is not known: it may be paid for, or still run. Look at it at Wiro; a retry reads it again without paying again.`,
});

/** @param account - What the task says of itself. Absent if its end was not seen. */
export const deadlineError = ({ task }: Collecting, account?: Account): GenerationError => ({
  code: 'deadline_exceeded',
  message: `Task ${task.id} ran past this deployment's deadline and was asked to stop. ${
    account === undefined
      ? 'It was not seen to end: it may still run, and be charged. A retry looks at it again and collects it without paying again; one with {"force": true} runs anew.'
      : `It has ended without a result; ${chargeOf(account)}. Retry it to run anew, or allow more time (deadline).`
  }`,
  retryable: true,
});

export const chargeOf = ({ costUsd = 0 }: Account): string =>
  costUsd > 0 ? `its record shows a cost of $${costUsd}` : 'Wiro does not charge it';

/** The task is paid for, and its outputs can still be collected: Wiro keeps them for a while. */
export const PAID: Readonly<Record<'output_unavailable' | 'output_refused', (of: Collecting) => string>> = {
  output_unavailable: ({ task }) =>
    `Task ${task.id} is paid for, and what was copied is kept. A retry collects it without paying again; do so soon, Wiro keeps outputs for a limited time.`,
  output_refused: ({ task }) =>
    `Task ${task.id} is paid for, and what was copied is kept. Fetch the rest at Wiro; or allow what was refused (a host: wiroOutputHosts), then a retry collects it without paying again.`,
};

export const sentence = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);

/** Adds what the end means for money and what to do, unless the message says so. */
export function explainEndWithTask({ task }: Collecting, { code, message }: Setback): GenerationError {
  const asksAgain = `Task ${task.id} may be paid for. A retry asks about it again and collects it without paying again.`;
  const rest =
    code === 'task_not_found' ? `${asksAgain} Should Wiro never know it again, request it anew.` : asksAgain;
  return {
    code,
    message: /paid|charged/.test(message) ? message : `${sentence(message)} ${rest}`,
    retryable: true,
  };
}

export const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

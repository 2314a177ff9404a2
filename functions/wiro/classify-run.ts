import { type Answer, parseAnswer, quote } from './answers/parse-answer.ts';
import { fieldOf, filledTextOf, present } from './answers/values.ts';
import type { PostResult } from './http.ts';
import type { Redaction } from './redact.ts';
import { meaningOf } from './refusal.ts';
import type { NotRunReason, RunOutcome } from './types.ts';

/**
 * Decides what the answer to a Run means. `notRun` only where it is certain that there is no task: a Run that is
 * repeated in error is paid twice, one that is searched for in vain costs a minute.
 */
export function classifyRun(result: PostResult, model: string, redact: Redaction): RunOutcome {
  const unknown = (why: string, refusal?: string): RunOutcome => ({
    kind: 'unknown',
    message: `It is not known whether Wiro runs "${model}": ${why}`,
    ...present({ refusal }),
  });
  const notRun = (reason: NotRunReason, why: string, code?: number): RunOutcome => ({
    kind: 'notRun',
    reason,
    message: `Cannot run "${model}": ${why}`,
    why,
    ...present({ code }),
  });

  if (result.kind === 'failed')
    return result.isSent ? unknown(result.message) : notRun('unreachable', result.message);
  const { status, text } = result;
  const answer = parseAnswer(text);
  // A 404 that is no answer of Wiro's comes from a gateway: what was behind it is not known.
  if (status === 401 || status === 429 || (status === 404 && isRefusal(answer))) {
    const refusal = answer.kind === 'refused' ? answer.refusals[0] : undefined;
    const said = redact(refusal?.message ?? '');
    return notRun(REASON[status], `Wiro answered ${status}${said && ` "${said}"`}`, refusal?.code);
  }
  // A refusal of Wiro's own means the same with any status that blames the request; one that fails proves nothing.
  const isRead = (status >= 200 && status <= 299) || (status >= 400 && status <= 499 && isRefusal(answer));
  if (!isRead) return unknown(`Wiro answered ${status}`);
  if (answer.kind === 'unreadable')
    return unknown(`Wiro answered ${status} with something that is no answer`);

  const taskId = taskIdOf(fieldOf(answer.fields, 'taskid'));
  if (answer.kind === 'accepted') {
    if (taskId === undefined) return unknown('Wiro accepted it without naming a task');
    const taskToken = filledTextOf(fieldOf(answer.fields, 'socketaccesstoken'));
    return { kind: 'ran', taskId, ...present({ taskToken }) };
  }
  if (taskId !== undefined) return unknown('Wiro refused it, yet named a task');

  const said = quote(answer.refusals, redact) || 'nothing more';
  const meanings = answer.refusals.map(meaningOf);
  const [first] = meanings;
  // Several errors are as certain as the least certain of them.
  if (first === undefined || first.kind === 'open' || meanings.some(({ kind }) => kind === 'open'))
    return unknown(`Wiro refused it saying ${said}`, said);
  const { kind: reason, ...details } = first;
  const [refusal] = answer.refusals;
  return {
    kind: 'notRun',
    reason,
    message: `Cannot run "${model}": Wiro says: ${said}`,
    why: `it says: ${said}`,
    ...details,
    ...present({ code: refusal?.code }),
  };
}

/** Wiro's own "no", which names no task. */
const isRefusal = (answer: Answer): boolean =>
  answer.kind === 'refused' && taskIdOf(fieldOf(answer.fields, 'taskid')) === undefined;

const REASON = { 401: 'unauthorized', 404: 'notFound', 429: 'busy' } as const;

/** `"0"` is how Wiro writes "none" in its numbers. */
const taskIdOf = (value: unknown): string | undefined => {
  const id = filledTextOf(value);
  return id === '0' ? undefined : id;
};

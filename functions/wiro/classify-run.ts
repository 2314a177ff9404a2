import { type Answer, NO_REASON, parseAnswer, quote } from './answers/parse-answer.ts';
import { fieldOf, filledTextOf, omitUndefined } from './answers/values.ts';
import type { PostResult } from './http.ts';
import type { Redaction } from './redact.ts';
import { meaningOf } from './refusal.ts';
import type { NotRunReason, RunOutcome } from './types.ts';

/**
 * Classifies the answer to a Run. Returns `notRun` only if it is certain that no task exists: repeating a Run that
 * did create a task costs money, whereas searching for a task that does not exist costs a minute.
 */
export function classifyRun(result: PostResult, model: string, redact: Redaction): RunOutcome {
  const unknown = (why: string, refusal?: string): RunOutcome => ({
    kind: 'unknown',
    message: `Wiro may run "${model}" and charge for it: ${why}`,
    ...omitUndefined({ refusal }),
  });
  const notRun = (reason: NotRunReason, why: string, code?: number): RunOutcome => ({
    kind: 'notRun',
    reason,
    message: `Cannot run "${model}": ${why}`,
    why,
    ...omitUndefined({ code }),
  });

  if (result.kind === 'failed')
    return result.isSent ? unknown(result.message) : notRun('unreachable', result.message);
  const { status, text } = result;
  const answer = parseAnswer(text);
  // A 404 without a Wiro answer in its body comes from a gateway, which says nothing about Wiro itself.
  if (((status === 401 || status === 429) && !namesTask(answer)) || (status === 404 && isRefusal(answer))) {
    const refusal = answer.kind === 'refused' ? answer.refusals[0] : undefined;
    const said = redact(refusal?.message ?? '');
    return {
      ...notRun(REASON[status], `Wiro answered ${status}${said && ` "${said}"`}`, refusal?.code),
      ...omitUndefined({ retryAfterMs: result.retryAfterMs }),
    };
  }
  // Wiro's own refusal means the same under any 2xx or 4xx status. A 5xx proves nothing, whatever its body says.
  const isRead = (status >= 200 && status <= 299) || (status >= 400 && status <= 499 && isRefusal(answer));
  if (!isRead) return unknown(`Wiro answered ${status}`);
  if (answer.kind === 'unreadable')
    return unknown(`Wiro answered ${status} with a body that is not an answer of its API`);

  const taskId = taskIdOf(fieldOf(answer.fields, 'taskid'));
  if (answer.kind === 'accepted') {
    if (taskId === undefined) return unknown('Wiro accepted the Run without naming a task');
    const taskToken = filledTextOf(fieldOf(answer.fields, 'socketaccesstoken'));
    return { kind: 'ran', taskId, ...omitUndefined({ taskToken }) };
  }
  if (taskId !== undefined) return unknown('Wiro refused the Run, yet named a task');

  const said = quote(answer.refusals, redact) || NO_REASON;
  const meanings = answer.refusals.map(meaningOf);
  const [first] = meanings;
  // A list of errors is only as certain as its least certain entry.
  if (first === undefined || first.kind === 'open' || meanings.some(({ kind }) => kind === 'open'))
    return unknown(`Wiro refused the Run, saying: ${said}`, said);
  const { kind: reason, ...details } = first;
  const [refusal] = answer.refusals;
  return {
    kind: 'notRun',
    reason,
    message: `Cannot run "${model}": Wiro says: ${said}`,
    why: `it says: ${said}`,
    ...details,
    ...omitUndefined({ code: refusal?.code }),
  };
}

const namesTask = (answer: Answer): boolean =>
  answer.kind !== 'unreadable' && taskIdOf(fieldOf(answer.fields, 'taskid')) !== undefined;

/** Whether Wiro itself refused, without naming a task. */
const isRefusal = (answer: Answer): boolean => answer.kind === 'refused' && !namesTask(answer);

const REASON = { 401: 'unauthorized', 404: 'notFound', 429: 'busy' } as const;

/** Wiro writes `"0"` for "none". */
const taskIdOf = (value: unknown): string | undefined => {
  const id = filledTextOf(value);
  return id === '0' ? undefined : id;
};
